// SPDX-License-Identifier: Apache-2.0
// policy POLICY.yaml: what an API server says of the policy, and of requests (JSON on standard input). Its plugin, its
// CEL, the schema by which it checks types and what it makes of a token's claims are Kubernetes' own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"

	registration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/openapi/openapitest"
)

type request struct {
	Operation   admission.Operation
	Subresource string
	Name        string
	Account     *serviceaccount.ServiceAccountInfo // none: a kubelet
	Before      *core.Node
	After       *core.Node
}

type answer struct {
	Warnings []registration.ExpressionWarning // of the type check
	Refused  []string                         // by the oldest server that has the API
	Requests []string                         // each "", or the reason and the message of the refusal
}

// Kubernetes' published schema in place of a running server's.
type published struct{ discovery.DiscoveryInterface }

func (published) OpenAPIV3() openapi.Client { return openapitest.NewEmbeddedFileClient() }

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Read strictly, and with the defaults that a server fills in (that code is not in its library).
func load(path string) (*validating.Policy, *validating.PolicyBinding) {
	file, err := os.ReadFile(path)
	must(err)
	documents := bytes.Split(file, []byte("\n---\n"))
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	policy, binding := &validating.Policy{}, &validating.PolicyBinding{}
	for i, into := range []runtime.Object{policy, binding} {
		_, _, err := decoder.Decode(documents[i], nil, into)
		must(err)
	}
	equivalent, all := registration.Equivalent, registration.AllScopes
	match := policy.Spec.MatchConstraints
	match.MatchPolicy = &equivalent
	match.NamespaceSelector, match.ObjectSelector = &metav1.LabelSelector{}, &metav1.LabelSelector{}
	for i := range match.ResourceRules {
		match.ResourceRules[i].Scope = &all
	}
	return policy, binding
}

func refused(policy *validating.Policy) (found []string) {
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(version.MajorMinor(1, 30)))
	must(err)
	compile := func(expression cel.ExpressionAccessor) {
		if result := compiler.CompileCELExpression(expression, cel.OptionalVariableDeclarations{},
			environment.NewExpressions); result.Error != nil {
			found = append(found, result.Error.Error())
		}
	}
	for i := range policy.Spec.MatchConditions {
		compile((*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[i]))
	}
	for _, variable := range policy.Spec.Variables {
		named := &validating.Variable{Name: variable.Name, Expression: variable.Expression}
		compile(named)
		compiler.CompileAndStoreVariables([]cel.NamedExpressionAccessor{named}, cel.OptionalVariableDeclarations{},
			environment.NewExpressions)
	}
	for _, validation := range policy.Spec.Validations {
		compile(&validating.ValidationCondition{Expression: validation.Expression})
	}
	return found
}

func start(mapper meta.RESTMapper, stored ...runtime.Object) *validating.Plugin {
	plugin, err := validating.NewPlugin(nil)
	must(err)
	client := fake.NewSimpleClientset(stored...)
	factory := informers.NewSharedInformerFactory(client, 0)
	stop := make(chan struct{})
	plugin.SetExternalKubeClientSet(client)
	plugin.SetExternalKubeInformerFactory(factory)
	plugin.SetDynamicClient(dynamic.New(nil))
	plugin.SetRESTMapper(mapper)
	plugin.SetAuthorizer(authorizerfactory.NewAlwaysDenyAuthorizer())
	plugin.SetDrainedNotification(stop)
	must(plugin.ValidateInitialization())
	factory.Start(stop)
	return plugin
}

func ask(plugin *validating.Plugin, asked request) string {
	var before, after runtime.Object
	if asked.Before != nil {
		before = asked.Before
	}
	if asked.After != nil {
		after = asked.After
	}
	var holder user.Info = &user.DefaultInfo{Name: "system:node:b", Groups: []string{user.NodesGroup}}
	if asked.Account != nil {
		holder = asked.Account.UserInfo()
	}
	attributes := admission.NewAttributesRecord(after, before, core.SchemeGroupVersion.WithKind("Node"), "", asked.Name,
		core.SchemeGroupVersion.WithResource("nodes"), asked.Subresource, asked.Operation, nil, false, holder)
	err := plugin.Validate(context.Background(), attributes, admission.NewObjectInterfacesFromScheme(scheme.Scheme))
	if err == nil {
		return ""
	}
	return string(errors.ReasonForError(err)) + ": " + err.Error()
}

func main() {
	var requests []request
	must(json.NewDecoder(os.Stdin).Decode(&requests))
	policy, binding := load(os.Args[1])
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(core.SchemeGroupVersion.WithKind("Node"), meta.RESTScopeRoot)
	schemas := &resolver.ClientDiscoveryResolver{Discovery: published{}}
	checker := validating.TypeChecker{SchemaResolver: schemas, RestMapper: mapper}
	plugin := start(mapper, policy, binding)

	said := answer{Warnings: checker.Check(policy), Refused: refused(policy)}
	for _, asked := range requests {
		said.Requests = append(said.Requests, ask(plugin, asked))
	}
	must(json.NewEncoder(os.Stdout).Encode(said))
}
