{{/* The number of pods. */}}

{{/* The number of pods to have. Under an autoscaler it is the live number, within its bounds. */}}
{{- define "switchyard.replicas" -}}
{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- min (max (int ((include "switchyard.live" $ | fromJson).spec).replicas) (int .minReplicas)) (int .maxReplicas) -}}
{{- else -}}
{{- int $.Values.replicaCount -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The live Deployment; empty if there is none. */}}
{{- define "switchyard.live" -}}
{{- lookup "apps/v1" "Deployment" .Release.Namespace (include "switchyard.fullname" .) | toJson -}}
{{- end -}}

{{/* `true` if the Deployment should have no `replicas`, so that neither an upgrade nor a rollback touches the autoscaler's number; else empty. If an
     earlier manifest had `replicas`, taking it out would make Kubernetes set it to 1. An annotation marks a Deployment that never had it. */}}
{{- define "switchyard.leavesReplicas" -}}
{{- if and .Values.autoscaling.enabled (or (not (include "switchyard.live" . | fromJson)) (include "switchyard.hasLeftReplicas" .)) -}}true{{- end -}}
{{- end -}}

{{/* `true` if the live Deployment has that annotation; else empty. */}}
{{- define "switchyard.hasLeftReplicas" -}}
{{- if hasKey (default dict ((include "switchyard.live" . | fromJson).metadata).annotations) "switchyard/replicas" -}}true{{- end -}}
{{- end -}}

{{/* The least number of pods; empty for a DaemonSet. */}}
{{- define "switchyard.leastReplicas" -}}
{{- if eq .Values.kind "Deployment" -}}
{{- ternary .Values.autoscaling.minReplicas .Values.replicaCount .Values.autoscaling.enabled | int -}}
{{- end -}}
{{- end -}}

{{/* How pods are replaced: the new one comes first. With hostNetwork it cannot, because two pods cannot have the same port of a node. */}}
{{- define "switchyard.rollingUpdate" -}}
{{- if .Values.hostNetwork -}}
maxSurge: 0
maxUnavailable: 1
{{- else -}}
maxSurge: {{ .Values.rollout.maxSurge }}
maxUnavailable: 0
{{- end -}}
{{- end -}}
