{{/* Addresses of the configuration, taken apart. A text that is no address has port 0 here; _problems-ports.tpl refuses it. */}}

{{/* Host, port and whether it is on the loopback, of HOST:PORT or [HOST]:PORT. */}}
{{- define "switchyard.address" -}}
{{- $text := toString . -}}
{{- $port := regexFind ":[0-9]{1,5}$" $text -}}
{{- $host := $text | trimSuffix $port | trimPrefix "[" | trimSuffix "]" -}}
{{- dict "host" $host "port" ($port | trimPrefix ":" | int)
      "loopback" (regexMatch "^(127\\.|::ffff:127\\.|[0:]*:0*1$)" (lower $host)) | toJson -}}
{{- end -}}

{{/* All listeners, each with its entry of `service.ports`. The name of a Service's port has only lower case letters, digits and `-`. */}}
{{- define "switchyard.listeners" -}}
{{- $listeners := list -}}
{{- range .Values.config.listeners -}}
{{- $address := include "switchyard.address" .address | fromJson -}}
{{- $said := get $.Values.service.ports .name | default dict -}}
{{- $listeners = append $listeners (dict
      "name" .name
      "address" .address
      "host" $address.host
      "port" (int $address.port)
      "loopback" $address.loopback
      "tls" (not (empty .tls))
      "proxyProtocol" (not (has (toString .proxy_protocol) (list "<nil>" "off" "false")))
      "exposed" (ne (toString $said.expose) "false")
      "portName" (.name | lower | replace "." "-" | replace "_" "-" | trimAll "-")
      "servicePort" (int (default $address.port $said.port))
      "nodePort" (int $said.nodePort)
      "appProtocol" (hasKey $said "appProtocol" | ternary $said.appProtocol (ternary "http" "https" (empty .tls)))) -}}
{{- end -}}
{{- toJson $listeners -}}
{{- end -}}

{{/* The listeners of the public Service. */}}
{{- define "switchyard.exposed" -}}
{{- $exposed := list -}}
{{- range include "switchyard.listeners" . | fromJsonArray -}}
{{- if .exposed -}}{{- $exposed = append $exposed . -}}{{- end -}}
{{- end -}}
{{- toJson $exposed -}}
{{- end -}}

{{/* The listener that `helm test` connects to. */}}
{{- define "switchyard.testListener" -}}
{{- $found := dict -}}
{{- range include "switchyard.exposed" . | fromJsonArray -}}
{{- if eq .name $.Values.test.echo.listener -}}{{- $found = . -}}{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{- define "switchyard.adminPort" -}}
{{- (include "switchyard.address" (.Values.config.admin).address | fromJson).port -}}
{{- end -}}
