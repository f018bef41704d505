{{/* Files of a pod. Directories are mounted whole: a file that is mounted alone (`subPath`) never changes, and reload would not see it. */}}

{{/* (list ROOT NAME), where NAME is the ConfigMap's. _problems-pod.tpl keeps `extraVolumes` from names that are used here. */}}
{{- define "switchyard.volumes" -}}
- name: config
  configMap:
    name: {{ last . | quote }}
{{- with first . }}
{{- with include "switchyard.keys" . | fromJsonArray }}
- name: keys
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret | quote }}
          items:
            - key: {{ .entry | quote }}
              path: {{ .file }}
      {{- end }}
{{- end }}
{{- range $name, $secret := .Values.secrets }}
- name: secret-{{ $name }}
  secret:
    secretName: {{ $secret | quote }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "switchyard.volumeMounts" -}}
- name: config
  mountPath: /etc/switchyard/config
  readOnly: true
{{- with include "switchyard.keys" . | fromJsonArray }}
- name: keys
  mountPath: /etc/switchyard/keys
  readOnly: true
{{- end }}
{{- range $name, $secret := .Values.secrets }}
- name: secret-{{ $name }}
  mountPath: /etc/switchyard/secrets/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
