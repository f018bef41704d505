{{/* What may be wrong with the number of pods and how they are replaced. */}}

{{- define "switchyard.problemsOfScaling" -}}
{{- if .Values.autoscaling.enabled }}
{{- with .Values.autoscaling }}
{{- if eq $.Values.kind "DaemonSet" }}
- autoscaling.enabled: a DaemonSet has one pod a node, which no autoscaler changes. Say kind: Deployment, or autoscaling.enabled: false.
{{- end }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
- autoscaling.minReplicas: {{ .minReplicas }} is more than autoscaling.maxReplicas, {{ .maxReplicas }}.
{{- end }}
{{- if not (or .targetCPUUtilizationPercentage .targetSessionsPerPod) }}
- autoscaling.enabled: there is nothing to go by. Say autoscaling.targetCPUUtilizationPercentage or autoscaling.targetSessionsPerPod.
{{- end }}
{{- if and .targetCPUUtilizationPercentage (not (($.Values.resources).requests).cpu) }}
- autoscaling.targetCPUUtilizationPercentage: it is a part of resources.requests.cpu, which is not there. Say how much a pod asks for, or targetCPUUtilizationPercentage: null.
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.podDisruptionBudget.enabled (regexMatch "^0+%?$" (toString .Values.podDisruptionBudget.maxUnavailable)) }}
- podDisruptionBudget.maxUnavailable: with {{ .Values.podDisruptionBudget.maxUnavailable }} no node could ever be drained. Say 1 or more, or podDisruptionBudget.enabled: false.
{{- end }}
{{- end -}}

{{- define "switchyard.problemsOfRollout" -}}
{{- $other := ternary "DaemonSet" "Deployment" (eq .Values.kind "Deployment") -}}
{{- if lookup "apps/v1" $other .Release.Namespace (include "switchyard.fullname" .) }}
- kind: the release is a {{ $other }}, all of whose pods would go at the same time. Install a second release with kind: {{ .Values.kind }}, move clients to it, and uninstall this one; or say kind: {{ $other }}.
{{- end }}
{{- $rollout := .Values.rollout -}}
{{- $minReady := int $rollout.minReadySeconds -}}
{{- $progress := int $rollout.progressDeadlineSeconds -}}
{{- $grace := (include "switchyard.drain" . | fromJson).grace | int -}}
{{- if .Values.hostNetwork }}
{{- range .Values.podSecurityContext.sysctls }}
{{- if hasPrefix "net." .name }}
- podSecurityContext.sysctls: {{ .name }} is the node's with hostNetwork, and a pod may not set it. Set it on the nodes, and leave it out here.
{{- end }}
{{- end }}
{{- if and (eq .Values.kind "Deployment") (le $progress (add $grace $minReady | int)) }}
- rollout.progressDeadlineSeconds: {{ $progress }} is over before a rollout has taken one step. With hostNetwork a new pod waits until the old one has left its ports, up to {{ $grace }} s, and then has to be ready for {{ $minReady }} s. Say more than {{ add $grace $minReady }}.
{{- end }}
{{- else if regexMatch "^0+%?$" (toString $rollout.maxSurge) }}
- rollout.maxSurge: with 0 no pod could be replaced, because none goes before the new one is ready. Say 1 or more.
{{- end }}
{{- if and (eq .Values.kind "Deployment") (le $progress $minReady) }}
- rollout.progressDeadlineSeconds: {{ $progress }} has to be more than rollout.minReadySeconds, {{ $minReady }}.
{{- end }}
{{- end -}}
