{{/* The pod template of Deployment and DaemonSet. */}}

{{- define "switchyard.podTemplate" -}}
{{- include "switchyard.podTemplateWith" (list . (include "switchyard.configName" .)) -}}
{{- end -}}

{{/* The same with the name of its ConfigMap: (list ROOT NAME). */}}
{{- define "switchyard.podTemplateWith" -}}
{{- $configName := last . -}}
{{- with first . -}}
metadata:
  labels:
    {{- include "switchyard.podLabels" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "switchyard.serviceAccountName" . | quote }}
  automountServiceAccountToken: {{ not (empty (include "switchyard.watchedNamespaces" . | fromJsonArray)) }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ (include "switchyard.drain" . | fromJson).grace | int64 }}
  {{- include "switchyard.podBase" . | nindent 2 }}
  initContainers:
    {{- include "switchyard.checkContainer" . | nindent 4 }}
  containers:
    {{- include "switchyard.servingContainer" . | nindent 4 }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "switchyard.volumes" (list . $configName) | nindent 4 }}
  {{- with include "switchyard.placement" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Shared with the pods of `helm test`. */}}
{{- define "switchyard.podBase" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{ end -}}
securityContext:
  {{- include "switchyard.podSecurityContext" . | nindent 2 }}
{{- end -}}

{{/* Pod security "restricted", whatever the values say. */}}
{{- define "switchyard.podSecurityContext" -}}
{{- $always := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- merge $always .Values.podSecurityContext | toYaml -}}
{{- end -}}
