{{/* What may be wrong with the files that the configuration names. */}}

{{- define "switchyard.problemsOfFiles" -}}
{{- $config := toJson .Values.config -}}
{{- range regexFindAll "\"/etc/switchyard/keys/[^\"]*\"" $config -1 | uniq }}
{{- if not (has . (list "\"/etc/switchyard/keys/affinity-key\"" "\"/etc/switchyard/keys/admin-token\"")) }}
- config: {{ . }} will not be there: this directory has `affinity-key` for config.affinity_key_file and `admin-token` for config.admin.token_file, nothing else. Mount others with `secrets`.
{{- end }}
{{- end }}
{{- range regexFindAll "\"/etc/switchyard/secrets/[^\"]*\"" $config -1 | uniq }}
{{- $name := index (splitList "/" .) 4 | trimSuffix "\"" }}
{{- if not (hasKey $.Values.secrets $name) }}
- config: {{ . }} will not be there: `secrets` has no {{ $name | quote }}. Say secrets: { {{ $name }}: NAME-OF-THE-SECRET }.
{{- end }}
{{- end }}
{{- range $name, $secret := .Values.secrets }}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$" $name) }}
- secrets.{{ $name }}: a volume cannot have this name. Say up to 56 lower case letters, digits and `-`.
{{- end }}
{{- end }}
{{- $used := list }}
{{- range include "switchyard.keys" . | fromJsonArray }}
{{- $used = append $used .file }}
{{- $live := lookup "v1" "Secret" $.Release.Namespace .secret }}
{{- if and .own $live (not (hasKey (default dict $live.data) .entry)) }}
- Secret {{ .secret }} is there and has no entry {{ .entry | quote }}, so what it was is not known. Put it back, or delete the Secret to have another made.
{{- end }}
{{- end }}
{{- if and .Values.affinityKey.existingSecret (not (has "affinity-key" $used)) }}
- affinityKey.existingSecret: nothing reads it. Say config.affinity_key_file: /etc/switchyard/keys/affinity-key.
{{- end }}
{{- if and .Values.adminToken.existingSecret (not (has "admin-token" $used)) }}
- adminToken.existingSecret: nothing reads it. Say config.admin.token_file: /etc/switchyard/keys/admin-token.
{{- end }}
{{- end -}}
