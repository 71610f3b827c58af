"""The workbench's server: pages, labelling sessions, clusters, models and the verbs over HTTP. It learns nothing itself."""
