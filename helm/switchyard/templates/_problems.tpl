{{/* Everything that is wrong with the values, at once. A problem is a line that begins with `- ` and says what, where and what to do. */}}

{{- define "switchyard.problems" -}}
{{- range list "Pod" "Admin" "Listeners" "Service" "Drain" "Scaling" "Rollout" "Files" "Monitoring" "Test" -}}
{{- include (printf "switchyard.problemsOf%s" .) $ -}}
{{- end -}}
{{- end -}}
