# What programs of Ruby's kubeclient do, against the cluster of KUBECONFIG: prints what it saw, a line each.
require "json"
require "kubeclient"

config = Kubeclient::Config.read(ENV.fetch("KUBECONFIG")).context
client = Kubeclient::Client.new(config.api_endpoint, "v1", ssl_options: config.ssl_options, auth_options: config.auth_options)
puts "nodes #{client.get_nodes.map { |node| node.metadata.name }.join(" ")}"
start = client.get_config_maps(namespace: "default").resourceVersion
client.create_config_map(Kubeclient::Resource.new(metadata: { name: "ruby", namespace: "default" }, data: { a: "1" }))
client.patch_config_map("ruby", { data: { b: "2" } }, "default")
client.merge_patch_config_map("ruby", { data: { a: nil } }, "default")
puts "data #{client.get_config_map("ruby", "default").data.to_h.to_json}"
client.delete_config_map("ruby", "default")
watcher = client.watch_config_maps(namespace: "default", resource_version: start, field_selector: "metadata.name=ruby")
seen = []
watcher.each do |event|
  seen << event.type
  watcher.finish if event.type == "DELETED"
end
puts "watched #{seen.join(" ")}"
begin
  client.get_pod("none", "default")
rescue Kubeclient::ResourceNotFoundError => error
  puts "missing #{error.error_code} #{error.message}"
end
groups = Kubeclient::Client.new("#{config.api_endpoint}/apis/apps", "v1", ssl_options: config.ssl_options, auth_options: config.auth_options)
puts "deployments #{groups.get_deployments(namespace: "default").map { |one| one.metadata.name }.join(" ")}"
