{{/* Figures for NOTES.txt. */}}

{{/* Seconds, for people. */}}
{{- define "switchyard.time" -}}
{{- $seconds := int64 . -}}
{{- if lt $seconds 120 -}}{{ $seconds }} s
{{- else -}}{{ div $seconds 60 }} min{{ with mod $seconds 60 }} {{ . }} s{{ end -}}
{{- end -}}
{{- end -}}

{{/* How many pods are replaced at a time. A percentage is rounded up, as Kubernetes does. */}}
{{- define "switchyard.surge" -}}
{{- $surge := toString .Values.rollout.maxSurge -}}
{{- if .Values.hostNetwork -}}
1
{{- else if hasSuffix "%" $surge -}}
{{- div (add 99 (mul (include "switchyard.replicas" . | int) (trimSuffix "%" $surge | int))) 100 | max 1 -}}
{{- else -}}
{{- max 1 (int $surge) -}}
{{- end -}}
{{- end -}}

{{/* How many pods leave at the same time in a rollout, at the most. */}}
{{- define "switchyard.leavingAtOnce" -}}
{{- $leave := (include "switchyard.drain" . | fromJson).leave | int -}}
{{- $every := max 1 (int .Values.rollout.minReadySeconds) -}}
{{- if .Values.hostNetwork -}}
1
{{- else -}}
{{- min (include "switchyard.replicas" . | int) (mul (include "switchyard.surge" . | int) (max 1 (div (add $leave $every -1) $every))) -}}
{{- end -}}
{{- end -}}

{{/* How many sessions each pod asks to go in a second, if 10,000 are spread over so many pods: (list ROOT PODS). */}}
{{- define "switchyard.askedPerSecond" -}}
{{- $over := include "switchyard.milliseconds" (include "switchyard.drain" (first .) | fromJson).over | int64 -}}
{{- with divf 10000000 (last .) $over -}}
{{- if lt . 10.0 -}}{{ round . 1 }}{{- else -}}{{ round . 0 }}{{- end -}}
{{- end -}}
{{- end -}}
