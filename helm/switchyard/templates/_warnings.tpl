{{/* Warnings of NOTES.txt. */}}

{{/* Values that are valid and may still be a mistake. Each warning is a line. */}}
{{- define "switchyard.warnings" -}}
{{- $several := or (eq .Values.kind "DaemonSet") (gt (include "switchyard.leastReplicas" . | int) 1) .Values.autoscaling.enabled -}}
{{- $drain := include "switchyard.drain" . | fromJson -}}
{{- $minReady := int .Values.rollout.minReadySeconds -}}
{{- if hasPrefix "localhost/" .Values.image.repository }}
- image.repository is {{ .Values.image.repository }}, which no node can pull. Build the image, push it, and say where.
{{- end }}
{{- if and $several (not .Values.config.affinity_key_file) }}
- config.affinity_key_file is not there: a client can work out which endpoint a value leads to, and choose one.
{{- end }}
{{- if and $several (regexMatch "\"(channels|push_only)\":" (toJson .Values.config.routes)) (eq (toString (default "memory" .Values.config.bus)) "memory") }}
- Routes have channels, and config.bus is `memory`: what is published at one pod reaches that pod's sessions alone. Say a bus of redis or nats.
{{- end }}
{{- if has (toString (.Values.config.reload).watch) (list "false" "off") }}
- config.reload.watch is off: a change of `config` is taken when each pod is told to (POST /reload), or with new pods.
{{- end }}
{{- if and (eq .Values.service.type "LoadBalancer") (eq .Values.service.externalTrafficPolicy "Local") (or (lt (int $drain.away) 20) (lt $minReady 30)) }}
- With service.externalTrafficPolicy Local a load balancer finds out by health checks of its own which nodes have a pod, and most take up to half a minute. A pod that goes takes new sessions for {{ int $drain.away }} s, and an old one goes when a new one has been ready for {{ $minReady }} s. Say drain.ready_delay: 10s and rollout.minReadySeconds: 30, or more.
{{- end }}
{{- range include "switchyard.movedPorts" . | fromJsonArray }}
- Listener {{ .name }} moves from port {{ .before }} to {{ .port }}: the Service leads to the new port at once, where pods do not listen yet, and new sessions are refused until they do. Another time, add a listener, move clients over, and take the old one out.
{{- end }}
{{- if and .Values.networkPolicy.enabled .Values.monitoring.kind (not .Values.networkPolicy.adminFrom) }}
- networkPolicy.adminFrom is empty: a Prometheus outside of namespace {{ .Release.Namespace }} cannot scrape. Say where it is.
{{- end }}
{{- if .Values.hostNetwork }}
- With hostNetwork a pod goes before the new one comes: its node takes no new sessions in between. It is outside of pod security "restricted",{{ if .Values.networkPolicy.enabled }} no NetworkPolicy holds for it,{{ end }} and for a port below 1024 the nodes have to have net.ipv4.ip_unprivileged_port_start.
{{- end }}
{{- if include "switchyard.live" . | fromJson }}
{{- $wasOn := include "switchyard.hasLeftReplicas" . }}
{{- if and .Values.autoscaling.enabled (not $wasOn) }}
- autoscaling is on, and the Deployment had its own number of pods before: `helm rollback` and `--atomic` would bring that number back, and all pods above it would leave at the same time. Go back by `helm upgrade`, with the values of before.
{{- else if and $wasOn (not .Values.autoscaling.enabled) }}
- autoscaling is off, and the releases before left the number of pods to it: `helm rollback` and `--atomic` would take the Deployment to one pod, and all others would leave at the same time. Go back by `helm upgrade`, with the values of before.
{{- end }}
{{- end }}
{{- if and (gt (int $drain.leave) 1800) .Values.autoscaling.enabled (not .Values.autoscaling.behavior) }}
- A pod needs more than half an hour to leave, and the autoscaler can take one every half an hour at the slowest: several leave at the same time.
{{- end }}
{{- end -}}

{{/* Ports of the live Service that lead to another port of the pods from now on: each { name, before, port }. */}}
{{- define "switchyard.movedPorts" -}}
{{- $moved := list -}}
{{- $live := ((lookup "v1" "Service" .Release.Namespace (include "switchyard.fullname" .)).spec).ports -}}
{{- range $listener := include "switchyard.exposed" . | fromJsonArray -}}
{{- range $live -}}
{{- if and (eq .name $listener.portName) (ne (int .targetPort) (int $listener.port)) -}}
{{- $moved = append $moved (dict "name" $listener.name "before" (int .targetPort) "port" $listener.port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $moved -}}
{{- end -}}
