{{/* Clusters whose endpoints come from a Kubernetes service. */}}

{{/* Namespaces whose EndpointSlices the pod's service account has to read. A cluster with a kubeconfig does not use that account. */}}
{{- define "switchyard.watchedNamespaces" -}}
{{- $namespaces := list -}}
{{- range .Values.config.clusters -}}
{{- if and .kubernetes (not .kubernetes.kubeconfig) -}}
{{- $namespaces = append $namespaces (default $.Release.Namespace .kubernetes.namespace) -}}
{{- end -}}
{{- end -}}
{{- $namespaces | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Name of Role and RoleBinding in a namespace: (list ROOT NAMESPACE). In other namespaces than the release's it has the release's namespace in it. */}}
{{- define "switchyard.roleName" -}}
{{- $root := first . -}}
{{- include "switchyard.fullname" $root -}}
{{- if ne (last .) $root.Release.Namespace -}}-{{ $root.Release.Namespace }}{{- end -}}
-endpoints
{{- end -}}
