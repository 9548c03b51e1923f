// Idms2registries reads ImageDigestMirrorSets and ImageTagMirrorSets as YAML documents from standard input and prints the
// registries.conf (version 2) that OpenShift's machine config operator writes to its nodes, made by the same function.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/BurntSushi/toml"
	"github.com/containers/image/v5/pkg/sysregistriesv2"
	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/runtime-utils/pkg/registries"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	if err := translate(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "idms2registries:", err)
		os.Exit(1)
	}
}

func translate(in io.Reader, out io.Writer) error {
	scheme := runtime.NewScheme()
	if err := configv1.Install(scheme); err != nil {
		return err
	}
	decoder := serializer.NewSerializerWithOptions(
		serializer.DefaultMetaFactory, scheme, scheme, serializer.SerializerOptions{Yaml: true, Strict: true})
	var digests []*configv1.ImageDigestMirrorSet
	var tags []*configv1.ImageTagMirrorSet
	documents := yaml.NewYAMLReader(bufio.NewReader(in))
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return fmt.Errorf("document %d: %w", number, err)
		}
		switch set := object.(type) {
		case *configv1.ImageDigestMirrorSet:
			digests = append(digests, set)
		case *configv1.ImageTagMirrorSet:
			tags = append(tags, set)
		default:
			return fmt.Errorf("document %d: %s is no mirror set", number, kind)
		}
	}
	// What a node starts from: docker.io is not searched for short names there, but Kubernetes never sends short names.
	config := sysregistriesv2.V2RegistriesConf{UnqualifiedSearchRegistries: []string{"docker.io"}}
	if err := registries.EditRegistriesConfig(&config, nil, nil, nil, digests, tags); err != nil {
		return err
	}
	return toml.NewEncoder(out).Encode(config)
}
