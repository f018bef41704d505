{{/* The behavior of the autoscaler, where `autoscaling.behavior` is empty. */}}

{{/* Up at once, because clients cannot connect meanwhile. Down by one pod in the time that a pod needs to leave, so that clients of one pod do not
     come back to the next that goes. Kubernetes allows periods up to half an hour, and windows up to an hour. */}}
{{- define "switchyard.scalingBehavior" -}}
{{- $leave := (include "switchyard.drain" . | fromJson).leave | int64 -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - type: Percent
      value: 100
      periodSeconds: 15
    - type: Pods
      value: 4
      periodSeconds: 15
scaleDown:
  stabilizationWindowSeconds: {{ min 3600 (max 300 $leave) }}
  selectPolicy: Max
  policies:
    - type: Pods
      value: 1
      periodSeconds: {{ min 1800 (max 1 $leave) }}
{{- end -}}
