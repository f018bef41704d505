{{/* Scraping and alerts, for the Prometheus operator. */}}

{{/* How a pod is scraped, by ServiceMonitor or PodMonitor. */}}

{{- define "switchyard.scrape" -}}
- port: admin
  path: /metrics
  scheme: http
  # The label `endpoint` of the metrics is an endpoint of a cluster. Without this the operator's label, the name of this port, would replace it.
  honorLabels: true
  {{- with .Values.monitoring.interval }}
  interval: {{ . | quote }}
  {{- end }}
  authorization:
    type: Bearer
    credentials:
      {{- include "switchyard.adminTokenRef" . | fromJson | toYaml | nindent 6 }}
  {{- with .Values.monitoring.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Labels of an object that a Prometheus selects: (list ROOT LABELS). */}}
{{- define "switchyard.pickedLabels" -}}
{{- mergeOverwrite (include "switchyard.labels" (first .) | fromYaml) (last .) | toYaml -}}
{{- end -}}

{{/* The groups of files/alerts.yaml without the alerts of `prometheusRule.disabled`. Their templates are for Prometheus: Helm does not expand them. */}}
{{- define "switchyard.alertGroups" -}}
{{- $groups := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if not (and .alert (has .alert $.Values.prometheusRule.disabled)) -}}
{{- $rules = append $rules (include "switchyard.rule" (list . $.Values.prometheusRule.runbookUrl) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}{{- $groups = append $groups (set (deepCopy .) "rules" $rules) -}}{{- end -}}
{{- end -}}
{{- dict "groups" $groups | toYaml -}}
{{- end -}}

{{/* A rule, with the URL of its runbook if it is an alert and a prefix is given: (list RULE PREFIX). */}}
{{- define "switchyard.rule" -}}
{{- $rule := deepCopy (first .) -}}
{{- $prefix := last . -}}
{{- if and $prefix $rule.alert -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" $prefix) $rule.annotations.runbook) -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}
