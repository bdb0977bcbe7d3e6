# SPDX-License-Identifier: Apache-2.0
# make render-dashboards: the pictures in docs/pictures, drawn by Grafana's own components. Not part of `make test`: it needs npm (600 MB).

.PHONY: render-dashboards
render-dashboards: ## draw the dashboards in a browser into docs/pictures (needs npm and root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)dashboards/render/render $(B)
