// SPDX-License-Identifier: Apache-2.0
// Activations as layers, as a plugin.
#include <tempo/layers/activations.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::ActivationLayer>("Activation", "A function by its name."),
    tempo::layer<tempo::ActivityRegularizationLayer>("ActivityRegularization",
                                                     "Its input, with a penalty of it."),
    tempo::layer<tempo::ELULayer>("ELU", "Exponential linear units (Clevert et al., 2015)."),
    tempo::layer<tempo::IdentityLayer>("Identity", "Its input."),
    tempo::layer<tempo::LeakyReLULayer>("LeakyReLU",
                                        "Rectified linear units that leak (Maas et al., 2013)."),
    tempo::layer<tempo::PReLULayer>(
        "PReLU", "Rectified linear units with learned slopes (He et al., 2015)."),
    tempo::layer<tempo::ReLULayer>("ReLU", "Rectified linear units."),
    tempo::layer<tempo::SoftmaxLayer>("Softmax", "Shares that add up to 1."))
