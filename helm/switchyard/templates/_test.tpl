{{/* A pod of `helm test`. */}}

{{/* Name and labels: (list ROOT WHAT). */}}
{{- define "switchyard.testMetadata" -}}
{{- $root := first . -}}
name: {{ include "switchyard.fullname" $root }}-test-{{ last . }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "switchyard.labelsOf" (list $root "switchyard.testSelector") | nindent 2 }}
annotations:
  helm.sh/hook: test
  # Not `hook-succeeded`: `helm test --logs` looks for the pod after that.
  helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}

{{/* Rights and resources of its container. */}}
{{- define "switchyard.testLimits" -}}
{{- include "switchyard.containerSecurity" . }}
{{- with .Values.test.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The pod without its containers. A test without an answer has failed after two minutes. */}}
{{- define "switchyard.testSpec" -}}
activeDeadlineSeconds: 120
automountServiceAccountToken: false
enableServiceLinks: false
{{ include "switchyard.podBase" . }}
{{- include "switchyard.nodes" . }}
{{- end -}}
