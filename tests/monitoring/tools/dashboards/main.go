// Reads dashboards by Grafana's own types, and says what these do not know, do not take, or miss.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	registerPanelsAndQueries()
	status := 0
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			status = 1
		}
	}
	os.Exit(status)
}

// The SDK can register all that there are, which takes a minute to compile. What is not registered is not looked into.
func registerPanelsAndQueries() {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
}

func check(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var read dashboard.Dashboard
	if err := strictly(&read, text); err != nil {
		return err
	}
	// Of what a panel says of fields, the SDK reads only the part of its kind strictly.
	var fields struct {
		Panels []struct{ FieldConfig json.RawMessage }
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for number, panel := range fields.Panels {
		if err := strictly(&dashboard.FieldConfigSource{}, panel.FieldConfig); err != nil {
			return fmt.Errorf("panels[%d].fieldConfig: %w", number, err)
		}
	}
	return read.Validate()
}

func strictly(into interface{ UnmarshalJSONStrict([]byte) error }, text []byte) error {
	// It always returns a list of faults, which may be empty.
	if err := into.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		return err
	}
	return nil
}
