{{/* The two secrets of the gateway itself: the affinity key and the admin token. */}}

{{/* Each of the two that the configuration uses: { file, secret, entry, own }; `own` is made by this chart. */}}
{{- define "switchyard.keys" -}}
{{- $keys := list -}}
{{- $fullname := include "switchyard.fullname" . -}}
{{- range list
      (dict "file" "affinity-key" "used" .Values.config.affinity_key_file "given" .Values.affinityKey)
      (dict "file" "admin-token" "used" (.Values.config.admin).token_file "given" .Values.adminToken) -}}
{{- if eq (toString .used) (printf "/etc/switchyard/keys/%s" .file) -}}
{{- $own := empty .given.existingSecret -}}
{{- $keys = append $keys (dict
      "file" .file
      "own" $own
      "secret" (ternary (printf "%s-%s" $fullname .file) .given.existingSecret $own)
      "entry" (ternary .file .given.key $own)) -}}
{{- end -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{/* The Secret of one of them, if the chart makes it: (list ROOT FILE). A live one stays as it is. `keep` lets it outlive the
     release, and a time with `existingSecret`, because a new affinity key would move every session to another endpoint. */}}
{{- define "switchyard.keySecret" -}}
{{- $root := first . -}}
{{- range include "switchyard.keys" $root | fromJsonArray -}}
{{- if and .own (eq .file (last $)) -}}
{{- $live := lookup "v1" "Secret" $root.Release.Namespace .secret -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .secret | quote }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "switchyard.labels" $root | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
type: Opaque
data:
  {{ .entry }}: {{ get (default dict ($live).data) .entry | default (randAlphaNum 43 | b64enc) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret and entry of the admin token, { name, key }, for Prometheus; empty where that cannot be known. */}}
{{- define "switchyard.adminTokenRef" -}}
{{- $file := toString (.Values.config.admin).token_file -}}
{{- $ref := dict -}}
{{- range include "switchyard.keys" . | fromJsonArray -}}
{{- if eq .file "admin-token" -}}{{- $ref = dict "name" .secret "key" .entry -}}{{- end -}}
{{- end -}}
{{- range $name, $secret := .Values.secrets -}}
{{- $directory := printf "/etc/switchyard/secrets/%s/" $name -}}
{{- if hasPrefix $directory $file -}}{{- $ref = dict "name" $secret "key" (trimPrefix $directory $file) -}}{{- end -}}
{{- end -}}
{{- toJson $ref -}}
{{- end -}}
