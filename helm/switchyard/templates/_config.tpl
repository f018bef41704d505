{{/* The gateway's configuration and its ConfigMap. */}}

{{/* The configuration that the gateway reads: the value `config`, with its `drain` completed. */}}
{{- define "switchyard.config" -}}
{{- $drain := mergeOverwrite (deepCopy (default dict .Values.config.drain)) (include "switchyard.configDrain" . | fromJson) -}}
{{- mergeOverwrite (deepCopy .Values.config) (dict "drain" $drain) | toYaml -}}
{{- end -}}

{{/* The name of the ConfigMap ends in a hash of whatever a running pod cannot take by reload: `bus` and `workers`, which need a restart; the times of
     `drain`, which have to fit the grace that the pod started with; and the pod itself, because a configuration may need the Secret, the token or
     the image that came with it. A change of these makes another ConfigMap and new pods, and old pods keep the one that they can use. */}}
{{- define "switchyard.configName" -}}
{{- $times := dict -}}
{{- range $key, $time := include "switchyard.configDrain" . | fromJson -}}
{{- $_ := set $times $key (include "switchyard.milliseconds" $time) -}}
{{- end -}}
{{- $fixed := dict
      "bus" (default "memory" .Values.config.bus)
      "workers" (default "auto" .Values.config.workers)
      "drain" $times
      "pod" (include "switchyard.podTemplateWith" (list . "") | fromYaml) -}}
{{- include "switchyard.fullname" . }}-{{ $fixed | toJson | sha256sum | trunc 8 -}}
{{- end -}}

{{/* Names of older ConfigMaps that pods of the release still mount, pods that drain included. They are rendered again so that Helm does not delete them. */}}
{{- define "switchyard.configNamesBefore" -}}
{{- $selector := include "switchyard.selector" . | fromYaml -}}
{{- $names := list -}}
{{- range (lookup "v1" "Pod" .Release.Namespace "").items -}}
{{- $labels := default dict .metadata.labels -}}
{{- if deepEqual $labels (merge (deepCopy $selector) $labels) -}}
{{- range .spec.volumes -}}
{{- with and (eq .name "config") .configMap -}}{{- $names = append $names .name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- without ($names | uniq | sortAlpha) (include "switchyard.configName" .) | toJson -}}
{{- end -}}
