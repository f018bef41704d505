{{/* Labels, as YAML: sorted, without duplicates; the chart's own win. */}}

{{/* The selector of the gateway's pods. A selector cannot be changed later, so no value is a part of it. Pods of `helm test` are another component. */}}
{{- define "switchyard.selector" -}}
app.kubernetes.io/component: gateway
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
{{- end -}}

{{/* The selector of the pods of `helm test`. */}}
{{- define "switchyard.testSelector" -}}
app.kubernetes.io/component: test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
{{- end -}}

{{/* The selector of the admin Service, for a ServiceMonitor. */}}
{{- define "switchyard.adminSelector" -}}
app.kubernetes.io/component: admin
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
{{- end -}}

{{/* Labels of an object: (list ROOT SELECTOR), where SELECTOR names one of the above. */}}
{{- define "switchyard.labelsOf" -}}
{{- $root := first . -}}
{{- $ours := dict
      "app.kubernetes.io/managed-by" $root.Release.Service
      "app.kubernetes.io/version" $root.Chart.AppVersion
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_")) -}}
{{- merge (include (last .) $root | fromYaml) $ours $root.Values.commonLabels | toYaml -}}
{{- end -}}

{{- define "switchyard.labels" -}}
{{- include "switchyard.labelsOf" (list . "switchyard.selector") -}}
{{- end -}}

{{/* Labels of a pod. Versions are not among them: a new version of the chart alone should not replace pods. */}}
{{- define "switchyard.podLabels" -}}
{{- merge (include "switchyard.selector" . | fromYaml) .Values.podLabels .Values.commonLabels | toYaml -}}
{{- end -}}
