"""What programs of the Python client do, against the cluster of KUBECONFIG. WITH_CONTAINERS=1: its containers are real."""

import json
import os
import tempfile
import threading
import time
import unittest

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

NAMESPACE = "default"
with_containers = unittest.skipUnless(os.environ.get("WITH_CONTAINERS") == "1", "containers are simulated")
config.load_kube_config(os.environ["KUBECONFIG"])
core = client.CoreV1Api()


def until(what, look, seconds=60):
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"it is still not so that {what}")
        time.sleep(0.1)


def settings(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"made": "here"}), data=data)


class Objects(unittest.TestCase):
    def tearDown(self):
        core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="made=here")

    def test_version_and_nodes(self):
        self.assertEqual(client.VersionApi().get_code().minor, "36")
        nodes = core.list_node().items
        self.assertEqual([c.status for c in nodes[0].status.conditions if c.type == "Ready"], ["True"])
        self.assertIn("default", [n.metadata.name for n in core.list_namespace().items])

    def test_every_group_that_is_discovered_can_be_read(self):
        for group in client.ApisApi().get_api_versions().groups:
            self.assertTrue(group.preferred_version.group_version, group.name)

    def test_create_replace_patch_delete(self):
        made = core.create_namespaced_config_map(NAMESPACE, settings("one", a="1"))
        made.data["a"] = "2"
        self.assertEqual(core.replace_namespaced_config_map("one", NAMESPACE, made).data, {"a": "2"})
        with self.assertRaises(ApiException) as stale:
            core.replace_namespaced_config_map("one", NAMESPACE, made)
        self.assertEqual((stale.exception.status, json.loads(stale.exception.body)["reason"]), (409, "Conflict"))
        self.assertEqual(core.patch_namespaced_config_map("one", NAMESPACE, {"data": {"b": "3"}}).data, {"a": "2", "b": "3"})
        self.assertEqual(core.patch_namespaced_config_map("one", NAMESPACE, [{"op": "remove", "path": "/data/a"}]).data, {"b": "3"})
        self.assertEqual(core.patch_namespaced_config_map("one", NAMESPACE, {"data": {"c": "4"}}, dry_run="All").data, {"b": "3", "c": "4"})
        self.assertEqual(core.delete_namespaced_config_map("one", NAMESPACE).status, "Success")
        with self.assertRaises(ApiException) as gone:
            core.read_namespaced_config_map("one", NAMESPACE)
        self.assertEqual((gone.exception.status, gone.exception.reason), (404, "Not Found"))

    def test_pages(self):
        for index in range(5):
            core.create_namespaced_config_map(NAMESPACE, settings(f"page-{index}"))
        names, token = [], None
        while token != "":
            page = core.list_namespaced_config_map(NAMESPACE, label_selector="made=here", limit=2, _continue=token)
            names += [item.metadata.name for item in page.items]
            token = page.metadata._continue or ""
        self.assertEqual(names, [f"page-{index}" for index in range(5)])

    def test_watch_from_a_list_on(self):
        start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
        core.create_namespaced_config_map(NAMESPACE, settings("w", a="1"))
        core.patch_namespaced_config_map("w", NAMESPACE, {"data": {"a": "2"}})
        core.delete_namespaced_config_map("w", NAMESPACE)
        seen, watcher = [], watch.Watch()
        for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=start, label_selector="made=here", timeout_seconds=30):
            self.assertIsInstance(event["object"], client.V1ConfigMap)
            seen.append((event["type"], event["object"].data["a"]))
            if event["type"] == "DELETED":
                watcher.stop()
        self.assertEqual(seen, [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")])

    def test_create_from_yaml(self):
        text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: first, labels: {made: here}}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: second, labels: {made: here}}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: third}
    rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            utils.create_from_yaml(client.ApiClient(), file.name)
            with self.assertRaises(utils.FailToCreateError) as again:
                utils.create_from_yaml(client.ApiClient(), file.name)
        self.assertEqual({exception.status for exception in again.exception.api_exceptions}, {409})
        self.assertEqual(len(core.list_namespaced_config_map(NAMESPACE, label_selector="made=here").items), 2)
        client.RbacAuthorizationV1Api().delete_namespaced_role("third", NAMESPACE)

    def test_leader_election(self):
        led, passed = [], threading.Event()

        def candidate(name):
            def lead():
                led.append(name)
                passed.set()

            lock = ConfigMapLock("election", NAMESPACE, name)
            leaderelection.LeaderElection(electionconfig.Config(lock, lease_duration=3, renew_deadline=2, retry_period=1, onstarted_leading=lead, onstopped_leading=lambda: None)).run()

        for name in ("a", "b"):
            threading.Thread(target=candidate, args=(name,), daemon=True).start()
        self.assertTrue(passed.wait(30))
        record = json.loads(core.read_namespaced_config_map("election", NAMESPACE).metadata.annotations["control-plane.alpha.kubernetes.io/leader"])
        self.assertEqual([record["holderIdentity"]], led)


class Accounts(unittest.TestCase):
    def test_in_cluster(self):
        request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
        token = core.create_namespaced_service_account_token("default", NAMESPACE, request).status.token
        authority = until("the authority is told", lambda: core.read_namespaced_config_map("kube-root-ca.crt", NAMESPACE).data["ca.crt"])
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("token", token), ("ca.crt", authority)):
                with open(os.path.join(folder, name), "w", encoding="utf8") as file:
                    file.write(text)
            inside = client.Configuration()
            environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": os.environ["API_PORT"]}
            loader = InClusterConfigLoader(os.path.join(folder, "token"), os.path.join(folder, "ca.crt"), environ=environment)
            loader.load_and_set(inside)
            with self.assertRaises(ApiException) as refused:
                client.CoreV1Api(client.ApiClient(inside)).list_namespaced_secret(NAMESPACE)
        self.assertEqual(refused.exception.status, 403)
        self.assertEqual(
            json.loads(refused.exception.body)["message"],
            'secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"',
        )


class Dynamic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"oars": {"type": "integer"}}}, "status": {"type": "object", "properties": {"rowed": {"type": "boolean"}}}}}
        cls.dynamic = dynamic.DynamicClient(client.ApiClient())
        definitions = cls.dynamic.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
        definitions.create(
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": "boats.python.example.com"},
                "spec": {
                    "group": "python.example.com",
                    "scope": "Namespaced",
                    "names": {"plural": "boats", "kind": "Boat", "shortNames": ["bt"]},
                    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}],
                },
            }
        )
        until("boats are served", lambda: any(c.type == "Established" and c.status == "True" for c in definitions.get("boats.python.example.com").status.conditions or []))
        cls.dynamic.resources.invalidate_cache()
        cls.boats = cls.dynamic.resources.get(api_version="python.example.com/v1", kind="Boat")

    def test_custom_objects(self):
        boat = {"apiVersion": "python.example.com/v1", "kind": "Boat", "metadata": {"name": "argo"}, "spec": {"oars": 50}}
        made = self.boats.create(boat, namespace=NAMESPACE)
        self.assertEqual(made.spec.oars, 50)
        self.assertEqual(self.boats.patch({"spec": {"oars": 40}}, name="argo", namespace=NAMESPACE, content_type="application/merge-patch+json").spec.oars, 40)
        with self.assertRaises(dynamic.exceptions.ConflictError):
            self.boats.server_side_apply(body=json.dumps({**boat, "spec": {"oars": 30}}), name="argo", namespace=NAMESPACE, field_manager="test")
        taken = self.boats.server_side_apply(body=json.dumps({**boat, "spec": {"oars": 30}}), name="argo", namespace=NAMESPACE, field_manager="test", force_conflicts=True)
        self.assertEqual(taken.spec.oars, 30)
        status = self.boats.status.patch({"metadata": {"name": "argo"}, "status": {"rowed": True}}, name="argo", namespace=NAMESPACE, content_type="application/merge-patch+json")
        self.assertTrue(status.status.rowed)
        self.assertEqual([b.metadata.name for b in self.boats.get(namespace=NAMESPACE).items], ["argo"])
        with self.assertRaises(dynamic.exceptions.UnprocessibleEntityError):
            self.boats.create({**boat, "metadata": {"name": "bad"}, "spec": {"oars": "many"}}, namespace=NAMESPACE)
        seen = []
        for event in self.boats.watch(namespace=NAMESPACE, timeout=30):
            seen.append(event["type"])
            if event["type"] == "ADDED":
                self.boats.delete(name="argo", namespace=NAMESPACE)
            else:
                break
        self.assertEqual(seen, ["ADDED", "DELETED"])
        with self.assertRaises(dynamic.exceptions.NotFoundError):
            self.boats.get(name="argo", namespace=NAMESPACE)


@with_containers
class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, image, command in (("shell", "busybox:1.36", ["sh", "-c", "echo first; echo second; sleep 36000"]), ("page", "nginx:1.27", None)):
            container = client.V1Container(name="main", image=image, command=command)
            core.create_namespaced_pod(NAMESPACE, client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=client.V1PodSpec(containers=[container], termination_grace_period_seconds=0)))
        for name in ("shell", "page"):
            until(f"{name} runs", lambda name=name: core.read_namespaced_pod(name, NAMESPACE).status.phase == "Running", 90)

    def run_in(self, *command, **options):
        return stream(core.connect_get_namespaced_pod_exec, "shell", NAMESPACE, command=list(command), stdout=True, stderr=True, stdin=False, tty=False, **options)

    def test_exec(self):
        self.assertEqual(self.run_in("echo", "said"), "said\n")
        both = self.run_in("sh", "-c", "echo out; echo err >&2; exit 3", _preload_content=False)
        both.run_forever(timeout=30)
        self.assertEqual((both.read_stdout(), both.read_stderr(), both.returncode), ("out\n", "err\n", 3))

    def test_exec_with_input(self):
        shell = stream(core.connect_get_namespaced_pod_exec, "shell", NAMESPACE, command=["sh"], stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False)
        shell.write_stdin("echo one two\n")
        self.assertEqual(shell.readline_stdout(timeout=30), "one two")
        shell.write_stdin("exit 0\n")
        shell.run_forever(timeout=30)
        self.assertEqual(shell.returncode, 0)

    def test_logs(self):
        until("it has spoken", lambda: core.read_namespaced_pod_log("shell", NAMESPACE) == "first\nsecond\n")
        self.assertEqual(core.read_namespaced_pod_log("shell", NAMESPACE, tail_lines=1), "second\n")
        lines = []
        watcher = watch.Watch()
        for line in watcher.stream(core.read_namespaced_pod_log, "shell", NAMESPACE, follow=True):
            lines.append(line)
            if len(lines) == 2:
                watcher.stop()
        self.assertEqual(lines, ["first", "second"])

    def test_port_forward(self):
        forward = portforward(core.connect_get_namespaced_pod_portforward, "page", NAMESPACE, ports="80")
        socket = forward.socket(80)
        socket.settimeout(30)
        socket.sendall(b"GET / HTTP/1.1\r\nHost: page\r\nConnection: close\r\n\r\n")
        text = b""
        while b"nginx 1.27" not in text:
            more = socket.recv(4096)
            self.assertTrue(more, text)
            text += more
        self.assertTrue(text.startswith(b"HTTP/1.1 200 OK"))
        self.assertIsNone(forward.error(80))
        socket.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
