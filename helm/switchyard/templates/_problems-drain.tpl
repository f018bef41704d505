{{/* What may be wrong with the time that leaving takes. */}}

{{- define "switchyard.problemsOfDrain" -}}
{{- include "switchyard.problemsOfDurations" (list "drain" .Values.drain) }}
{{- include "switchyard.problemsOfDurations" (list "config.drain" (default dict .Values.config.drain)) }}
{{- range $key := list "over" "ready_delay" "deadline" }}
{{- $ours := get $.Values.drain $key }}
{{- $theirs := get (default dict $.Values.config.drain) $key }}
{{- if and $ours $theirs (ne (include "switchyard.milliseconds" $ours) (include "switchyard.milliseconds" $theirs)) }}
- drain.{{ $key }} is {{ $ours }} and config.drain.{{ $key }} is {{ $theirs }}. Say it once: drain.{{ $key }} is enough.
{{- end }}
{{- end }}
{{- $drain := include "switchyard.drain" . | fromJson }}
{{- $longest := include "switchyard.longest" . }}
{{- range $key, $time := merge (pick $.Values.drain "margin") (include "switchyard.configDrain" . | fromJson) }}
{{- if gt (include "switchyard.milliseconds" $time | int64) (include "switchyard.milliseconds" $longest | int64) }}
- drain.{{ $key }}: {{ $time }} is longer than {{ $longest }}, the longest that the gateway takes. Say less{{ if eq $key "deadline" }} (where it is not said it is drain.over and 30 s){{ end }}.
{{- end }}
{{- end }}
{{- if lt (include "switchyard.milliseconds" $drain.deadline | int64) (include "switchyard.milliseconds" $drain.over | int64) }}
- drain.deadline: {{ $drain.deadline }} is less than drain.over, {{ $drain.over }}, so sessions would be cut before they are asked to go. Say at least {{ $drain.over }}, or leave it out: it is drain.over and 30 s then.
{{- end }}
{{- if lt (int64 $drain.grace) (int64 $drain.leave) }}
- terminationGracePeriodSeconds: {{ int64 $drain.grace }} would have the kubelet kill pods that still have sessions. A pod that goes needs {{ int64 $drain.leave }} s: {{ int64 $drain.preStop }} s in preStop, drain.ready_delay {{ $drain.ready_delay }}, and until drain.deadline {{ $drain.deadline }}. Say {{ int64 $drain.leave }} or more, or a shorter drain.over; or leave it out: it follows from drain then.
{{- end }}
{{- end -}}

{{/* (list WHERE MAPPING) */}}
{{- define "switchyard.problemsOfDurations" -}}
{{- range $key := list "over" "ready_delay" "deadline" "margin" }}
{{- $value := get (last $) $key | toString }}
{{- if and (hasKey (last $) $key) $value (not (regexMatch (include "switchyard.durationPattern" .) $value)) }}
- {{ first $ }}.{{ $key }}: {{ $value | quote }} is no duration. Say a whole number and one unit of ms, s, m and h, such as 90s.
{{- end }}
{{- end }}
{{- end -}}
