{{- define "swapper.decided" -}}
{{- required "Give the environment's decisions: -f DIR/swapper/chart-values.yaml, of `orchestrator manifests NAME --for swapper --out DIR`." .Values.decided.environment -}}
{{- end -}}

{{- define "swapper.selected" -}}
app.kubernetes.io/name: {{ .Values.name | quote }}
{{- end -}}

{{- define "swapper.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: ecr-pull-through
app.kubernetes.io/instance: {{ .Values.decided.instance | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "swapper.selected" . }}
{{- end -}}

{{- define "swapper.annotations" -}}
orchestrator/route-table: {{ .Values.decided.routeTable | quote }}
{{- end -}}

{{- define "swapper.metadata" -}}
name: {{ .Values.name | quote }}
namespace: {{ .Release.Namespace | quote }}
labels: {{- include "swapper.labels" . | nindent 2 }}
annotations: {{- include "swapper.annotations" . | nindent 2 }}
{{- end -}}

{{- define "swapper.clusterMetadata" -}}
name: {{ .clusterName | quote }}
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

{{- /* Labels and annotations of our own with those of `more`. Ours win: a Deployment selects by them, and Pods begin anew with them. */ -}}
{{- define "swapper.labelsAnd" -}}
{{- merge (include "swapper.labels" .root | fromYaml) (.more | default dict) | toYaml -}}
{{- end -}}

{{- define "swapper.annotationsAnd" -}}
{{- merge (include "swapper.annotations" .root | fromYaml) (.more | default dict) | toYaml -}}
{{- end -}}

{{- define "swapper.metadataAnd" -}}
name: {{ .name | default .root.Values.name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels: {{- include "swapper.labelsAnd" . | nindent 2 }}
annotations: {{- include "swapper.annotations" .root | nindent 2 }}
{{- end -}}

{{- /* The authority of a certificate of somebody's own, as PEM. */ -}}
{{- define "swapper.authority" -}}
{{- $given := required "certificate.from is secret: give its authority in certificate.caBundle." .Values.certificate.caBundle -}}
{{- $pem := contains "-----BEGIN CERTIFICATE-----" $given | ternary $given (b64dec (nospace $given)) -}}
{{- if not (contains "-----BEGIN CERTIFICATE-----" $pem) -}}
{{- fail "certificate.caBundle holds no certificate: it is PEM, or PEM in base64. Give the authority that signed the Secret's certificate: --set-file certificate.caBundle=ca.crt" -}}
{{- end -}}
{{- $pem -}}
{{- end -}}

{{- /* What the API server would take, and what would then never work. */ -}}
{{- define "swapper.counts" -}}
{{- $fewest := int .Values.replicas -}}
{{- if .Values.autoscaling.enabled -}}
{{- $fewest = int .Values.autoscaling.minReplicas -}}
{{- if lt (int .Values.autoscaling.maxReplicas) $fewest -}}
{{- fail (printf "autoscaling.minReplicas is %d and maxReplicas %d. Give maxReplicas at least as many." $fewest (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- $resources := .Values.resources | default dict -}}
{{- if not (or (dig "requests" "cpu" "" $resources) (dig "limits" "cpu" "" $resources)) -}}
{{- fail "autoscaling measures the share of the CPU that is requested, and resources.requests.cpu is missing. Set it, or autoscaling.enabled=false." -}}
{{- end -}}
{{- end -}}
{{- $kept := toString .Values.podDisruptionBudget.minAvailable -}}
{{- $least := int (trimSuffix "%" $kept) -}}
{{- if hasSuffix "%" $kept -}}
{{- $least = div (add (mul $least $fewest) 99) 100 -}}
{{- end -}}
{{- if and (gt $fewest 0) (ge (int $least) $fewest) -}}
{{- fail (printf "podDisruptionBudget.minAvailable is %s of %d Pods: no node that runs one could be drained. Run more Pods, or set it to less (0 where one Pod runs)." $kept $fewest) -}}
{{- end -}}
{{- end -}}
