{{- define "swapper.decided" -}}
{{- required "Give the environment's decisions: -f DIR/swapper/chart-values.yaml, of `orchestrator manifests NAME --for swapper --out DIR`." .Values.decided.environment -}}
{{- end -}}

{{- define "swapper.selected" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end -}}

{{- define "swapper.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: ecr-pull-through
app.kubernetes.io/instance: {{ .Values.decided.instance }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "swapper.selected" . }}
{{- end -}}

{{- define "swapper.annotations" -}}
orchestrator/route-table: {{ .Values.decided.routeTable }}
{{- end -}}

{{- define "swapper.metadata" -}}
name: {{ .Values.name }}
namespace: {{ .Release.Namespace }}
labels: {{- include "swapper.labels" . | nindent 2 }}
annotations: {{- include "swapper.annotations" . | nindent 2 }}
{{- end -}}

{{- define "swapper.clusterMetadata" -}}
name: {{ .clusterName }}
labels: {{- include "swapper.labels" .root | nindent 2 }}
annotations: {{- include "swapper.annotations" .root | nindent 2 }}
{{- end -}}

{{- define "swapper.certificateSecret" -}}
{{- if eq .Values.certificate.from "secret" -}}
{{- required "certificate.from is secret: name it in certificate.secretName." .Values.certificate.secretName -}}
{{- else -}}
{{- .Values.name }}-certificate
{{- end -}}
{{- end -}}
