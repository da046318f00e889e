package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"sigs.k8s.io/yaml"
	gopkcs12 "software.sslmate.com/src/go-pkcs12"
)

// esoFunctions are the functions that External Secrets Operator adds to sprig's, or has in another form, wired
// to the libraries that it uses. What a function panics with there is an error of the template here too.
func esoFunctions() template.FuncMap {
	return template.FuncMap{
		"htpasswd": htpasswd,
		"hexdec":   hexdec,

		"toYaml":   toYaml,
		"fromYaml": fromYaml,

		"pkcs12key":      func(file string) (string, error) { return p12Key("", file) },
		"pkcs12keyPass":  p12Key,
		"pkcs12cert":     func(file string) (string, error) { return p12Certs("", file) },
		"pkcs12certPass": p12Certs,

		"pemToPkcs12":     func(cert, key string) (string, error) { return p12Of(cert, key, "", false) },
		"pemToPkcs12Pass": func(cert, key, pass string) (string, error) { return p12Of(cert, key, pass, false) },
		"fullPemToPkcs12": func(cert, key string) (string, error) { return p12Of(cert, key, "", true) },
		"fullPemToPkcs12Pass": func(cert, key, pass string) (string, error) {
			return p12Of(cert, key, pass, true)
		},
		"pemTruststoreToPKCS12":     func(certs string) (string, error) { return p12Trust(certs, "") },
		"pemTruststoreToPKCS12Pass": p12Trust,

		"filterPEM":       filterPEM,
		"filterCertChain": filterChain,
		"certSANs":        subjectAlternatives,

		"jwkPublicKeyPem":  jwkPublic,
		"jwkPrivateKeyPem": jwkPrivate,

		"rsaDecrypt": rsaDecrypt,
	}
}

// htpasswd has a third parameter since the version of sprig that ESO holds.
func htpasswd(user, password string, algorithm HashAlgorithm) string {
	if strings.Contains(user, ":") {
		return "invalid username: " + user
	}
	if algorithm == "sha" {
		sum := sha1.Sum([]byte(password))
		return user + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
	}
	bcrypt := sprig.TxtFuncMap()["bcrypt"].(func(string) string)
	return user + ":" + bcrypt(password)
}

// HashAlgorithm is a type of its own there: no variable of a template is of it.
type HashAlgorithm string

func hexdec(text string) string {
	bytes, err := hex.DecodeString(text)
	if err != nil {
		return err.Error()
	}
	return string(bytes)
}

func toYaml(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

func fromYaml(text string) map[string]any {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		values["Error"] = err.Error()
	}
	return values
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func p12Key(pass, file string) (string, error) {
	key, _, _, err := gopkcs12.DecodeChain([]byte(file), pass)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("PRIVATE KEY", der), err
}

func p12Certs(pass, file string) (string, error) {
	_, leaf, rest, err := gopkcs12.DecodeChain([]byte(file), pass)
	if err != nil {
		return "", err
	}
	found := append([]*x509.Certificate{leaf}, rest...)
	if ordered, err := chainOf(found); err == nil {
		found = ordered
	}
	text := ""
	for _, certificate := range found {
		text += encode("CERTIFICATE", certificate.Raw)
	}
	return text, nil
}

// sevens is chance that the other side can have too.
type sevens struct{}

func (sevens) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = 7
	}
	return len(into), nil
}

func p12Of(certs, key, pass string, full bool) (string, error) {
	block, rest := pem.Decode([]byte(certs))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	var authorities []*x509.Certificate
	if full {
		if authorities, err = allCertificates(rest); err != nil {
			return "", err
		}
	}
	keyBlock, _ := pem.Decode([]byte(key))
	private, err := anyKey(keyBlock.Bytes)
	if err != nil {
		return "", err
	}
	file, err := gopkcs12.Modern.WithRand(sevens{}).Encode(private, leaf, authorities, pass)
	return base64.StdEncoding.EncodeToString(file), err
}

func p12Trust(certs, pass string) (string, error) {
	authorities, err := allCertificates([]byte(certs))
	if err != nil {
		return "", err
	}
	file, err := gopkcs12.Modern.WithRand(sevens{}).EncodeTrustStore(authorities, pass)
	return base64.StdEncoding.EncodeToString(file), err
}

func anyKey(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("no private key of a known type")
}

func allCertificates(text []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for len(text) > 0 {
		block, rest := pem.Decode(text)
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found, text = append(found, certificate), rest
	}
	return found, nil
}

func fromBegin(text string) string {
	if at := strings.Index(text, "-----BEGIN"); at >= 0 {
		return text[at:]
	}
	return text
}

func filterPEM(kind, text string) (string, error) {
	var found bytes.Buffer
	rest := []byte(fromBegin(text))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if !strings.EqualFold(block.Type, kind) {
			continue
		}
		if err := pem.Encode(&found, block); err != nil {
			return "", err
		}
	}
	if found.Len() == 0 && len(rest) != 0 {
		return "", errors.New("junk")
	}
	return found.String(), nil
}

func subjectAlternatives(text string) ([]string, error) {
	block, _ := pem.Decode([]byte(fromBegin(text)))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	found := append([]string{}, certificate.DNSNames...)
	for _, ip := range certificate.IPAddresses {
		found = append(found, ip.String())
	}
	found = append(found, certificate.EmailAddresses...)
	for _, uri := range certificate.URIs {
		found = append(found, uri.String())
	}
	return found, nil
}

func isRoot(certificate *x509.Certificate) bool {
	return certificate.AuthorityKeyId == nil || bytes.Equal(certificate.AuthorityKeyId, certificate.SubjectKeyId)
}

func filterChain(kind, text string) (string, error) {
	var found []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", err
		}
		found = append(found, certificate)
	}
	chain, err := chainOf(found)
	if err != nil {
		return "", err
	}
	last := chain[len(chain)-1]
	switch {
	case kind == "leaf" && !isRoot(chain[0]):
		return encode("CERTIFICATE", chain[0].Raw), nil
	case kind == "root" && isRoot(last):
		return encode("CERTIFICATE", last.Raw), nil
	case kind == "intermediate":
		between := ""
		for _, certificate := range chain[1:] {
			if isRoot(certificate) {
				break
			}
			between += encode("CERTIFICATE", certificate.Raw)
		}
		return between, nil
	}
	return "", nil
}

// chainOf orders certificates from the leaf to the root by their key identifiers.
func chainOf(certificates []*x509.Certificate) ([]*x509.Certificate, error) {
	parents := make([]int, len(certificates))
	isParent := make([]bool, len(certificates))
	for i, one := range certificates {
		parents[i] = -1
		for j, other := range certificates {
			if i != j && bytes.Equal(one.AuthorityKeyId, other.SubjectKeyId) {
				parents[i], isParent[j] = j, true
				break
			}
		}
	}
	leaf := -1
	for i := range certificates {
		if isParent[i] {
			continue
		}
		if leaf >= 0 {
			return nil, errors.New("more than one leaf")
		}
		leaf = i
	}
	if leaf < 0 {
		return nil, errors.New("no leaf")
	}
	var chain []*x509.Certificate
	for at := leaf; at >= 0; at = parents[at] {
		if len(chain) == len(certificates) {
			return nil, errors.New("cycle")
		}
		chain = append(chain, certificates[at])
	}
	return chain, nil
}

func rawKey(text string) (any, error) {
	key, err := jwk.ParseKey([]byte(text))
	if err != nil {
		return nil, err
	}
	var raw any
	err = key.Raw(&raw)
	return raw, err
}

func jwkPublic(text string) (string, error) {
	key, err := rawKey(text)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	return encode("PUBLIC KEY", der), err
}

func jwkPrivate(text string) (string, error) {
	key, err := rawKey(text)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("PRIVATE KEY", der), err
}

func rsaDecrypt(scheme, hash, text, key string) (string, error) {
	if scheme == "None" {
		return text, nil
	}
	if scheme != "RSA-OAEP" {
		return "", fmt.Errorf("scheme %q", scheme)
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return "", errors.New("no PEM block")
	}
	private, err := anyKey(block.Bytes)
	if err != nil {
		return "", err
	}
	rsaKey, ok := private.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("no RSA key")
	}
	function := map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA512": crypto.SHA512}[hash]
	if function == 0 {
		function = crypto.SHA256
	}
	plain, err := rsa.DecryptOAEP(function.New(), nil, rsaKey, []byte(text), nil)
	return string(plain), err
}
