{{/* What may be wrong with `helm test`. */}}

{{- define "switchyard.problemsOfTest" -}}
{{- with .Values.test.echo }}
{{- if .url }}
{{- $listener := include "switchyard.testListener" $ | fromJson }}
{{- if not (regexMatch "^wss?://" .url) }}
- test.echo.url: {{ .url | quote }} is no WebSocket. It begins with ws:// or wss://.
{{- else if and $listener.tls (hasPrefix "ws://" .url) }}
- test.echo.url: {{ .url | quote }} is not encrypted, and listener {{ $listener.name | quote }}, which the test connects to, has `tls`. Say wss://, or a listener without `tls`.
{{- else if and $listener (not $listener.tls) (hasPrefix "wss://" .url) }}
- test.echo.url: {{ .url | quote }} is encrypted, and listener {{ $listener.name | quote }}, which the test connects to, has no `tls`. Say ws://, or a listener with `tls`.
{{- end }}
{{- if not $listener }}
- test.echo.listener: the Service has no {{ .listener | quote }}. Say one of {{ range $i, $l := include "switchyard.exposed" $ | fromJsonArray }}{{ if $i }}, {{ end }}{{ $l.name }}{{ end }}.
{{- else if $listener.proxyProtocol }}
- test.echo.listener: {{ .listener | quote }} wants a PROXY header, which the test does not send. Say another, or leave test.echo.url out.
{{- end }}
{{- if and .ca (not (hasKey $.Values.secrets .ca)) }}
- test.echo.ca: `secrets` has no {{ .ca | quote }}. Say secrets: { {{ .ca }}: NAME-OF-THE-SECRET }, whose entry ca.crt it is.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
