{{/* Durations as the gateway writes them: a whole number and one unit. Any other text counts as 0 here; _problems-drain.tpl refuses it, and a duration
     that is too long. */}}

{{- define "switchyard.durationPattern" -}}
^[0-9]+(ms|s|m|h)$
{{- end -}}

{{/* The longest duration that the gateway takes. */}}
{{- define "switchyard.longest" -}}
8760h
{{- end -}}

{{/* A duration in milliseconds. */}}
{{- define "switchyard.milliseconds" -}}
{{- if regexMatch (include "switchyard.durationPattern" .) (toString .) -}}
{{- $digits := regexFind "[1-9][0-9]*" . | default "0" -}}
{{- if gt (len $digits) 11 -}}{{- $digits = "99999999999" -}}{{- end -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mul (int64 $digits) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit) -}}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{/* Milliseconds as a duration. */}}
{{- define "switchyard.duration" -}}
{{- $ms := int64 . -}}
{{- if mod $ms 1000 -}}{{ $ms }}ms{{- else -}}{{ div $ms 1000 }}s{{- end -}}
{{- end -}}

{{/* Milliseconds in seconds, rounded up. */}}
{{- define "switchyard.seconds" -}}
{{- div (add (int64 .) 999) 1000 -}}
{{- end -}}
