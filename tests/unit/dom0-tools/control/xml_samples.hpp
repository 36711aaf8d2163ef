// SPDX-License-Identifier: Apache-2.0
// Domain descriptions for tests.
#pragma once

#include <string>

namespace hospes::control {

struct DomainXmlParts {
    std::string name = "d";
    std::string memory = "<memory unit='MiB'>64</memory>";
    std::string type = "xen";
    std::string kernel = "/k";
    std::string os = {};
    std::string more = {};
    std::string devices = {};
};

/// A small domain: name on line 2, memory on 3, os on 4, `more` on 5, `devices` from line 6 on.
inline std::string domain_xml(DomainXmlParts const& parts) {
    return "<domain type='xen'>\n<name>" + parts.name + "</name>\n" + parts.memory + "\n<os><type>" + parts.type +
           "</type><kernel>" + parts.kernel + "</kernel>" + parts.os + "</os>\n" + parts.more +
           (parts.devices.empty() ? "" : "\n<devices>" + parts.devices + "</devices>") + "\n</domain>\n";
}

/// Every supported element and attribute.
inline std::string full_domain_xml() {
    return R"(<domain type='xen'>
  <name>web-1</name>
  <uuid>6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11</uuid>
  <title>a title</title>
  <description>a description</description>
  <metadata><x:y xmlns:x='urn:x' z='1'>text</x:y></metadata>
  <memory unit='MiB'>256</memory>
  <currentMemory unit='KiB'>262144</currentMemory>
  <vcpu placement='static' current='2' cpuset='0-3,^2'>4</vcpu>
  <cputune>
    <shares>512</shares>
    <period>100000</period>
    <quota>50000</quota>
    <global_period>200000</global_period>
    <global_quota>300000</global_quota>
    <vcpupin vcpu='0' cpuset='0-1'/>
    <vcpupin vcpu='1' cpuset='3'/>
  </cputune>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>/boot/vmlinuz</kernel>
    <initrd>/boot/initrd</initrd>
    <cmdline>root=/dev/xvda console=hvc0</cmdline>
  </os>
  <clock offset='utc'/>
  <on_poweroff>preserve</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>restart</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='phy' type='raw' discard='ignore'/>
      <source file='/img'/>
      <target dev='xvda' bus='xen'/>
      <readonly/>
    </disk>
    <disk type='block'><source dev='/dev/sdb'/><target dev='xvdb'/><shareable/></disk>
    <interface type='bridge'>
      <mac address='00:16:3e:01:02:03'/>
      <source bridge='br0'/>
      <target dev='web0'/>
      <model type='netfront'/>
      <mtu size='9000'/>
    </interface>
    <console type='pty'><target type='xen' port='0'/></console>
    <memballoon model='xen'/>
  </devices>
</domain>
)";
}

}  // namespace hospes::control
