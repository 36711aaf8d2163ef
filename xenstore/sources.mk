# SPDX-License-Identifier: Apache-2.0
# What other folders link of xenstore; they come before it in the alphabet, so they include this file themselves.

# Needs $(DOM0_BASE).
XENSTORE_WIRE   := $(addprefix xenstore/wire/,message.cpp error_name.cpp strings.cpp permission.cpp)
XENSTORE_CLIENT := $(addprefix xenstore/client/,stream_channel.cpp session.cpp view.cpp client.cpp) $(XENSTORE_WIRE)
