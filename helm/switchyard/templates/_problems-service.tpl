{{/* What may be wrong with the public Service. */}}

{{- define "switchyard.problemsOfService" -}}
{{- $name := include "switchyard.fullname" . -}}
{{- if not (regexMatch "^[a-z]" $name) }}
- fullnameOverride: a Service cannot be called {{ $name }}, because such a name begins with a letter. Say another, or give the release another name.
{{- end }}
{{- $service := .Values.service -}}
{{- $listeners := dict -}}
{{- range include "switchyard.listeners" . | fromJsonArray -}}{{- $_ := set $listeners .name . -}}{{- end -}}
{{- range $name, $port := $service.ports }}
{{- if not (hasKey $listeners $name) }}
- service.ports.{{ $name }}: there is no such listener in config.listeners, which has {{ keys $listeners | sortAlpha | join ", " }}.
{{- else if and ($port).nodePort (eq $service.type "ClusterIP") }}
- service.ports.{{ $name }}.nodePort: a Service of type ClusterIP has none. Say service.type: NodePort or LoadBalancer.
{{- end }}
{{- end }}
{{- $exposed := include "switchyard.exposed" . | fromJsonArray }}
{{- if not (or $exposed .Values.hostNetwork) }}
- service.ports: no listener is exposed, so nobody could reach the gateway. Take `expose: false` from one of them.
{{- end }}
{{- $taken := dict }}
{{- range $exposed }}
{{- $port := toString .servicePort }}
{{- if hasKey $taken $port }}
- service.ports.{{ .name }}: port {{ $port }} of the Service is that of listener {{ get $taken $port | quote }}. Give it another, or `expose: false`.
{{- end }}
{{- $_ := set $taken $port .name }}
{{- end }}
{{- if and $service.externalTrafficPolicy (eq $service.type "ClusterIP") }}
- service.externalTrafficPolicy: a Service of type ClusterIP has no traffic from outside. Say service.type: NodePort or LoadBalancer, or leave it out.
{{- end }}
{{- if ne $service.type "LoadBalancer" }}
{{- range $key := list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if get $service $key }}
- service.{{ $key }}: only a Service of type LoadBalancer has one. Say service.type: LoadBalancer, or leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
