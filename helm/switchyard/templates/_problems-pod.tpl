{{/* What may be wrong with the image and the volumes of a pod. Not here: request and limit of a resource, which the API server compares. */}}

{{- define "switchyard.problemsOfPod" -}}
{{- $repository := .Values.image.repository }}
{{- with regexFind "(:[^/]*|@.*)$" $repository }}
- image.repository: {{ $repository | quote }} ends in {{ ternary "a digest" "a tag" (contains "@" $repository) }}. Say image.repository: {{ regexFind "^([^/]*/)*[^:@/]*" $repository }} and {{ if contains "@" $repository }}image.digest: {{ regexFind "[^@]*$" $repository | quote }}{{ else }}image.tag: {{ trimPrefix ":" . | quote }}{{ end }}.
{{- end }}
{{- $taken := list "config" "keys" }}
{{- range $name, $secret := .Values.secrets }}{{- $taken = append $taken (printf "secret-%s" $name) }}{{- end }}
{{- range .Values.extraVolumes }}
{{- if has .name $taken }}
- extraVolumes: {{ .name | quote }} is the name of a volume of the chart. Give it another.
{{- end }}
{{- end }}
{{- end -}}
