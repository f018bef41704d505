{{/* Names of objects. Not here: their labels (_labels.tpl). */}}

{{/* The name of the release's objects: short enough for the suffixes that some add, and without dots, which a Service may not have. */}}
{{- define "switchyard.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if contains $name .Release.Name -}}{{- $full = .Release.Name -}}{{- end -}}
{{- default $full .Values.fullnameOverride | replace "." "-" | trunc 52 | trimAll "-" -}}
{{- end -}}

{{- define "switchyard.adminName" -}}
{{- include "switchyard.fullname" . -}}-admin
{{- end -}}

{{- define "switchyard.serviceAccountName" -}}
{{- $own := ternary (include "switchyard.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{- define "switchyard.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}
