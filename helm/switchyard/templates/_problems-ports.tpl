{{/* What may be wrong with an address that pods listen on. */}}

{{- define "switchyard.problemsOfAdmin" -}}
{{- $admin := .Values.config.admin -}}
{{- if not $admin }}
- config.admin is not there: without it there are no probes and no metrics. Say admin: { address: "0.0.0.0:9901", token_file: /etc/switchyard/keys/admin-token }.
{{- else }}
{{- include "switchyard.problemsOfPort" (list . "config.admin" $admin.address) }}
{{- if (include "switchyard.address" $admin.address | fromJson).loopback }}
- config.admin: {{ $admin.address }} is on the loopback, where neither the kubelet's probes nor Prometheus reach it. Say "0.0.0.0:9901", or "[::]:9901" for IPv6 as well.
{{- end }}
{{- if not $admin.token_file }}
- config.admin.token_file is not there, and off the loopback the admin API needs one. Say /etc/switchyard/keys/admin-token, for which a token is made.
{{- end }}
{{- end }}
{{- end -}}

{{- define "switchyard.problemsOfListeners" -}}
{{- $taken := dict -}}
{{- $admin := include "switchyard.adminPort" . -}}
{{- $names := dict -}}
{{- range include "switchyard.listeners" . | fromJsonArray -}}
{{- $where := printf "config.listeners %q" .name -}}
{{- include "switchyard.problemsOfPort" (list $ $where .address) }}
{{- if and .loopback .exposed }}
- {{ $where }}: {{ .address }} is on the loopback, where the Service does not reach it. Say "0.0.0.0:{{ .port }}", or "[::]:{{ .port }}" for IPv6 as well; or, if it is for a container beside the gateway, service.ports.{{ .name }}.expose: false.
{{- end }}
{{- $port := toString .port }}
{{- if eq $port $admin }}
- {{ $where }}: port {{ $port }} is that of config.admin. Give it another.
{{- else if hasKey $taken $port }}
- {{ $where }}: port {{ $port }} is that of listener {{ get $taken $port | quote }}, and all addresses of a pod are one to its Service. Give it another.
{{- end }}
{{- if hasKey $names .portName }}
- {{ $where }}: as the name of a port in the Service it is {{ .portName | quote }}, like listener {{ get $names .portName | quote }}. Give it another name.
{{- end }}
{{- $_ := set $taken $port .name }}
{{- $_ := set $names .portName .name }}
{{- end }}
{{- end -}}

{{/* (list ROOT WHERE ADDRESS) */}}
{{- define "switchyard.problemsOfPort" -}}
{{- $root := index . 0 -}}
{{- $where := index . 1 -}}
{{- $address := toString (index . 2) -}}
{{- $port := (include "switchyard.address" $address | fromJson).port | int -}}
{{- if not (regexMatch "^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$" $address) }}
- {{ $where }}: {{ $address | quote }} is no address with a port. Say "0.0.0.0:8080", or "[::]:8080" for IPv6 as well.
{{- else if or (eq $port 0) (gt $port 65535) }}
- {{ $where }}: port {{ $port }} is none that a Service or a probe can find. Say one from 1024 to 65535.
{{- else if and (lt $port 1024) (not $root.Values.hostNetwork) (gt (include "switchyard.firstOpenPort" $root | int) $port) }}
- {{ $where }}: only root may listen on port {{ $port }}, and the gateway is not root; the capability NET_BIND_SERVICE would not help. Say a port from 1024 on (a Service can still have {{ $port }}: service.ports.NAME.port), or podSecurityContext.sysctls: [{ name: net.ipv4.ip_unprivileged_port_start, value: "{{ $port }}" }].
{{- end }}
{{- end -}}

{{/* The first port that whoever is not root may listen on. */}}
{{- define "switchyard.firstOpenPort" -}}
{{- $first := "1024" -}}
{{- range .Values.podSecurityContext.sysctls -}}
{{- if eq .name "net.ipv4.ip_unprivileged_port_start" -}}{{- $first = .value -}}{{- end -}}
{{- end -}}
{{- $first -}}
{{- end -}}
