# SPDX-License-Identifier: Apache-2.0
# make render-dashboards: the boards in docs/pictures, drawn by Grafana's own components: needs npm (600 MB). make render-views: the tracer's
# own views there, drawn by a browser. Neither is part of `make test`.

.PHONY: render-dashboards render-views
render-views: ## draw flame graphs, page and live view into docs/pictures (needs chromium and root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)dashboards/render/views $(B)

render-dashboards: ## draw the dashboards in a browser into docs/pictures (needs npm and root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)dashboards/render/render $(B)
