{{/* Containers that run the gateway's binary. */}}

{{/* The image of all of them. */}}
{{- define "switchyard.containerImage" -}}
image: {{ include "switchyard.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{/* Pod security "restricted", for all of them. */}}
{{- define "switchyard.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  readOnlyRootFilesystem: true
{{- end -}}

{{/* Shared by the containers that read the configuration: the one that checks it and the one that serves. */}}
{{- define "switchyard.containerRest" -}}
{{- with .Values.extraEnv -}}
env:
  {{- toYaml . | nindent 2 }}
{{ end -}}
{{- with .Values.resources -}}
resources:
  {{- toYaml . | nindent 2 }}
{{ end -}}
{{ include "switchyard.containerSecurity" . }}
volumeMounts:
  {{- include "switchyard.volumeMounts" . | nindent 2 }}
{{- end -}}

{{- define "switchyard.checkContainer" -}}
- name: check
  {{- include "switchyard.containerImage" . | nindent 2 }}
  args: [check, --config, /etc/switchyard/config/switchyard.yaml]
  {{- include "switchyard.containerRest" . | nindent 2 }}
{{- end -}}

{{- define "switchyard.servingContainer" -}}
- name: switchyard
  {{- include "switchyard.containerImage" . | nindent 2 }}
  args: [run, --config, /etc/switchyard/config/switchyard.yaml]
  ports:
    {{- include "switchyard.containerPorts" . | nindent 4 }}
  startupProbe:
    {{- include "switchyard.probe" (list "/healthz" .Values.probes.startup) | nindent 4 }}
  readinessProbe:
    {{- include "switchyard.probe" (list "/readyz" .Values.probes.readiness) | nindent 4 }}
  livenessProbe:
    {{- include "switchyard.probe" (list "/healthz" .Values.probes.liveness) | nindent 4 }}
  {{- with (include "switchyard.drain" . | fromJson).preStop }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ int64 . }}
  {{- end }}
  {{- include "switchyard.containerRest" . | nindent 2 }}
{{- end -}}

{{/* A probe of the admin port: (list PATH TIMES). Neither path needs a token. */}}
{{- define "switchyard.probe" -}}
httpGet:
  path: {{ first . }}
  port: admin
{{- with last . }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Ports of listeners are not declared: the Service finds them by number, and a new listener should come by reload, without new pods.
     With hostNetwork they are, so that the scheduler knows which ports of a node are taken. */}}
{{- define "switchyard.containerPorts" -}}
- name: admin
  containerPort: {{ include "switchyard.adminPort" . }}
  {{- if .Values.hostNetwork }}
  hostPort: {{ include "switchyard.adminPort" . }}
  {{- range include "switchyard.listeners" . | fromJsonArray }}
- containerPort: {{ .port }}
  hostPort: {{ .port }}
  {{- end }}
  {{- end }}
{{- end -}}
