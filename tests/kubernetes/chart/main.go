// Prints what Helm installs of a chart: `chart FOLDER VALUES`, where VALUES are YAML.
package main

import (
	"fmt"
	"os"
	"sort"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func main() {
	if err := render(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(folder, values string) error {
	chart, err := loader.LoadDir(folder)
	if err != nil {
		return err
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return err
	}
	release := chartutil.ReleaseOptions{Name: "policies", Namespace: "default", IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(files[name])
	}
	return nil
}
