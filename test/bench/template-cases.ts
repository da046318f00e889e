import type { Case } from '../template/corpus.ts';

/** What the benchmark of templates renders. */

const upstreams = Array.from({ length: 20 }, (_, i) => ({
  name: `app${i}`,
  port: String(8000 + i),
  servers: Array.from({ length: 4 }, (_, k) => `10.0.${i}.${k}`),
}));

const data = {
  user: 'admin',
  password: 'p@ss"word\\',
  host: 'db.example.com',
  port: '5432',
  certificate: `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(300)}\n-----END CERTIFICATE-----\n`,
  upstreams: JSON.stringify(upstreams),
};

/** A configuration of about 500 lines: 20 upstreams, 20 servers, conditions, functions, secrets. */
const nginx = `user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log warn;
{{- $upstreams := .upstreams | fromJson }}

http {
  include mime.types;
{{- range $i, $upstream := $upstreams }}
  upstream {{ $upstream.name }} {
    least_conn;
{{- range $upstream.servers }}
    server {{ . }}:{{ $upstream.port }} max_fails=3 weight={{ add $i 1 }};
{{- end }}
    keepalive 16;
  }
{{- end }}

{{- range $i, $upstream := $upstreams }}
  server {
    listen {{ if eq $i 0 }}443 ssl default_server{{ else }}443 ssl{{ end }};
    server_name {{ $upstream.name }}.{{ $.host }};
    ssl_certificate /etc/tls/{{ $upstream.name | upper | trunc 8 }}.crt;
{{- if and $.user (ne $.password "") }}
    proxy_set_header Authorization "Basic {{ printf "%s:%s" $.user $.password | b64enc }}";
{{- end }}
    location / {
      proxy_pass http://{{ $upstream.name }};
      proxy_set_header X-Server {{ printf "%s-%03d" $upstream.name $i | quote }};
      proxy_read_timeout {{ mul 10 (add $i 1) }}s;
    }
    location = /healthz {
      return 200 {{ $upstream.name | quote }};
    }
  }
{{- end }}
}
`;

export const cases: readonly (Case & { readonly title: string })[] = [
  { name: 'value', title: 'one value', template: '{{ .password }}', data },
  {
    name: 'url',
    title: 'a connection URL',
    template: 'postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/app?sslmode=require',
    data,
  },
  {
    name: 'env',
    title: 'ten lines of env file',
    template: Array.from({ length: 10 }, (_, i) => `KEY_${i}={{ .password | quote }}\n`).join(''),
    data,
  },
  {
    name: 'printf',
    title: 'a loop of 1,000 printf',
    template: '{{ range 1000 }}{{ printf "%05d %s\\n" . $.user }}{{ end }}',
    data,
  },
  {
    name: 'yaml',
    title: 'a certificate indented',
    template: 'tls.crt: |\n{{ .certificate | indent 2 }}\nuser: {{ .user | quote }}\n',
    data,
  },
  {
    name: 'nginx',
    title: 'nginx.conf of 500 lines',
    template: nginx,
    data,
  },
];
