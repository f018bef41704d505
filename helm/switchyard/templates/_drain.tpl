{{/* How long a pod takes to leave. All of it follows from three durations:

       preStop           SIGTERM
          | ready_delay     | ready_delay | over ... deadline | margin |
          |  ready, serves  |  not ready, |  sessions are     |        |
          |  as ever        |  serves     |  asked, then cut  |        kill
                                                                                                                            */}}

{{/* One of the three: (list ROOT KEY DEFAULT). */}}
{{- define "switchyard.drainOf" -}}
{{- $root := index . 0 -}}
{{- $key := index . 1 -}}
{{- coalesce (get $root.Values.drain $key) (get (default dict $root.Values.config.drain) $key) (index . 2) -}}
{{- end -}}

{{/* All times of leaving. As durations: over, ready_delay, deadline. In seconds: preStop; away, from deletion until the pod takes no new sessions;
     leave, from deletion until the last session is cut; grace. */}}
{{- define "switchyard.drain" -}}
{{- $over := include "switchyard.drainOf" (list . "over" "60s") -}}
{{- $overMs := include "switchyard.milliseconds" $over | int64 -}}
{{- $delay := include "switchyard.drainOf" (list . "ready_delay" "5s") -}}
{{- $delayMs := include "switchyard.milliseconds" $delay | int64 -}}
{{- $deadline := include "switchyard.drainOf" (list . "deadline" (include "switchyard.duration" (add $overMs 30000))) -}}
{{- $preStop := include "switchyard.seconds" $delayMs | int64 -}}
{{- $awayMs := add (mul $preStop 1000) $delayMs -}}
{{- $leaveMs := add $awayMs (include "switchyard.milliseconds" $deadline | int64) -}}
{{- $marginMs := include "switchyard.milliseconds" .Values.drain.margin | int64 -}}
{{- $grace := include "switchyard.seconds" (add $leaveMs $marginMs) | int64 -}}
{{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) -}}
{{- $grace = int64 .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- dict "over" $over "ready_delay" $delay "deadline" $deadline
      "preStop" $preStop "away" (div $awayMs 1000) "leave" (include "switchyard.seconds" $leaveMs | int64) "grace" $grace | toJson -}}
{{- end -}}

{{/* The part that belongs into the gateway's configuration. */}}
{{- define "switchyard.configDrain" -}}
{{- pick (include "switchyard.drain" . | fromJson) "over" "ready_delay" "deadline" | toJson -}}
{{- end -}}
