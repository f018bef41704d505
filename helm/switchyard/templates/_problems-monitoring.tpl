{{/* What may be wrong with what Prometheus is told. */}}

{{- define "switchyard.problemsOfMonitoring" -}}
{{- $file := (.Values.config.admin).token_file }}
{{- if and .Values.monitoring.kind $file (not (include "switchyard.adminTokenRef" . | fromJson)) }}
- monitoring.kind: which Secret has the token that Prometheus needs cannot be told from config.admin.token_file, {{ $file | quote }}. Say /etc/switchyard/keys/admin-token, and adminToken.existingSecret if the token is yours.
{{- end }}
{{- if .Values.prometheusRule.enabled }}
{{- $alerts := list }}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}
{{- range .rules }}{{- with .alert }}{{- $alerts = append $alerts . }}{{- end }}{{- end }}
{{- end }}
{{- range .Values.prometheusRule.disabled }}
{{- if not (has . $alerts) }}
- prometheusRule.disabled: there is no alert {{ . | quote }}, but {{ $alerts | sortAlpha | join ", " }}.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
