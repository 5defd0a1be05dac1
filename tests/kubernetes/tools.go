//go:build tools

// Package kubernetes names the programs that tests build.
package kubernetes

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
