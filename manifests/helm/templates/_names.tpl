{{- define "injector.name" -}}
{{ .Values.fullnameOverride | default (printf "%s-injector" .Release.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "injector.selector" -}}
app.kubernetes.io/name: external-secrets-agent
app.kubernetes.io/component: injector
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "injector.labels" -}}
{{ include "injector.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "injector.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "injector.tlsSecret" -}}
{{- if eq .Values.certificates.mode "files" -}}
{{ required "certificates.secretName is required when certificates.mode is files" .Values.certificates.secretName }}
{{- else -}}
{{ include "injector.name" . }}{{ if eq .Values.certificates.mode "cert-manager" }}-tls{{ end }}
{{- end -}}
{{- end }}

{{- define "injector.host" -}}
{{ include "injector.name" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "injector.tlsName" -}}
{{- if .Values.webhook.url -}}
{{ (urlParse .Values.webhook.url).hostname }}
{{- else -}}
{{ include "injector.host" . }}
{{- end -}}
{{- end }}

{{- define "injector.clientConfig" -}}
{{- if .root.Values.webhook.url -}}
url: {{ printf "%s%s" (trimSuffix "/" .root.Values.webhook.url) .path }}
{{- else -}}
service:
  name: {{ include "injector.name" .root }}
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- end }}
{{- if eq .root.Values.certificates.mode "files" }}
caBundle: {{ required "certificates.caBundle is required when certificates.mode is files" .root.Values.certificates.caBundle }}
{{- end }}
{{- end }}

{{- define "injector.webhook" -}}
admissionReviewVersions: [v1]
sideEffects: None
matchPolicy: Equivalent
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ append .Values.webhook.excludedNamespaces .Release.Namespace | uniq | toJson }}
{{- end }}

{{- define "injector.caAnnotation" -}}
{{- if eq .Values.certificates.mode "cert-manager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "injector.name" . }}
{{- end }}
{{- end }}
