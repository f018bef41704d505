"""A rehearsal of the chart without a cluster: plays the API server, the Deployment controller, the Service proxy and the kubelet
over what `helm template` really renders, with the real binary in the root file system of the image.

what the API server does
    api           Helm looks objects up here, and the gateway watches EndpointSlices, by the rights of its Role
    objects       what is kept, and who may do what
    admission     what is added to a pod before it is kept
    http          as much of the protocol as it takes

what controllers and the kubelet do
    deployment    how many pods of which template there are; the rolling update
    services      which pods a service leads to, known as late as in a cluster
    forward       the address of a service
    pod           the life of a pod: init containers, containers, restarts, and how it is ended
    probes        startup, readiness and liveness
    volumes       ConfigMaps, Secrets and projections, laid out and swapped as the kubelet does

what Linux does
    node          a network of its own, in which every pod has an address of its own
    process       one run of a container, as its manifest says
    container     its first process: root, mounts, user, no rights
    linux         the calls for all this

what a test needs
    scenario      runs each in a cluster of its own, with a deadline
    cluster       what an operator does, and what there is to see
    release       the chart, rendered for each install and upgrade
    image         the root file system of the image, built once for all
    values        the chart's own, with short times
    clients       WebSocket clients that count what they lose; endpoints that say who they are
    admin         metrics of a pod
    certificates  an authority of one's own

It needs root, for namespaces of networks, processes and mounts. Nothing of it is seen outside: the network has no name and is in
no other, so that any number of runs stand side by side and a run that is killed leaves nothing behind but a folder.

Not here: scheduling, DaemonSets, images, the CNI and its policies, seccomp, limits of memory and CPU, and what admission would refuse.
"""
