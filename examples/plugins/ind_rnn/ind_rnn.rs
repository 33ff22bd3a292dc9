// SPDX-License-Identifier: Apache-2.0
// An independently recurrent cell (Li et al., 2018), in Rust: next = tanh(x W + u h + b), where each
// unit reads its own state alone. The structs are those of tempo/plugin.h.
use std::ffi::CStr;
use std::mem::{size_of, zeroed};
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

const OK: i32 = 0;
const SHAPE_ERROR: i32 = 2;
const AUTOMATIC: i32 = -1;
const OPTION_INT: u32 = 0;
const CELL: u32 = 1;
const ABI_MINOR: u32 = 0;

/// A text of C, with its 0 at the end.
macro_rules! text {
    ($text:literal) => {
        concat!($text, "\0").as_ptr() as *const c_char
    };
}

type Tensor = *mut c_void;
type Handle = *mut c_void;
type Unused = *const c_void;

#[repr(C)]
#[derive(Clone, Copy)]
struct Type {
    size: u32,
    dtype: i32,
    rank: u32,
    device: u32,
    shape: [i64; 8],
}
#[repr(C)]
struct Attribute {
    size: u32,
    kind: u32,
    name: *const c_char,
    integer: i64,
    // the other values follow; elements lie `size` bytes apart
}
#[repr(C)]
struct Creation {
    size: u32,
    n_options: u32,
    options: *const Attribute,
}
#[repr(C)]
struct Inputs {
    size: u32,
    count: u32,
    types: *const Type,
}
#[repr(C)]
struct ResultTypes {
    size: u32,
    capacity: u32,
    count: u32,
    types: *mut Type,
}
#[repr(C)]
struct Results {
    size: u32,
    capacity: u32,
    count: u32,
    tensors: *mut Tensor,
}
#[repr(C)]
struct Call {
    size: u32,
    training: i32,
    counts: [u32; 4],
    types: *const Type,
    inputs: *const Tensor,
    states: *const Tensor,
    // constants and the mask follow
}
#[repr(C)]
struct Weight {
    size: u32,
    trainable: i32,
    name: *const c_char,
    r#type: *const Type,
    initializer: *const c_char,
    value: Tensor,
    regularizer: *const c_char,
    constraint: *const c_char,
}
#[repr(C)]
struct LayerOption {
    size: u32,
    kind: u32,
    name: *const c_char,
    sentence: *const c_char,
    standard: *const c_char,
    at_least: f64,
    at_most: f64,
    choices: *const c_char,
}
#[repr(C)]
struct LayerType {
    size: u32,
    kind: u32,
    name: *const c_char,
    summary: *const c_char,
    options: *const LayerOption,
    n_options: u32,
    flags: u32,
    version: u32,
    reserved: u32,
    user: *mut c_void,
    create: extern "C" fn(*mut c_void, Handle, *const Creation, *mut *mut Cell) -> i32,
    destroy: extern "C" fn(*mut c_void, *mut Cell) -> i32,
    build: extern "C" fn(*mut c_void, *mut Cell, Handle, *const Inputs) -> i32,
    call: extern "C" fn(*mut c_void, *const Cell, Handle, *const Call, *mut Results) -> i32,
    states: extern "C" fn(*mut c_void, *const Cell, Handle, *const Inputs, *mut ResultTypes) -> i32,
    initial: Unused,
    once: Unused,
    reset: Unused,
    outputs: extern "C" fn(*mut c_void, *const Cell, Handle, *const Inputs, *mut ResultTypes) -> i32,
    save: Unused,
    load: Unused,
    migrate: Unused,
    get_extension: Unused,
}
#[repr(C)]
struct LayerView {
    size: u32,
    flags: u32,
    id: u64,
    name: *const c_char,
    r#type: *const LayerType,
    options: *const Attribute,
    n_options: u32,
    dtype: i32, // of its weights
}
#[repr(C)]
struct Host {
    size: u32,
    minor: u32,
    fail: extern "C" fn(i32, *const c_char) -> i32,
    last_error: Unused,
    make: Unused,
    retain: extern "C" fn(Tensor) -> i32,
    release: extern "C" fn(Tensor) -> i32,
    view_to_assign: [Unused; 5],
    find_op: extern "C" fn(*const c_char, *mut *const c_void) -> i32,
    apply: extern "C" fn(*const c_void, *const Tensor, u32, Unused, u32, *mut Tensor, u32) -> i32,
    scan_to_random_key: [Unused; 6],
    make_layer_to_release_layer: [Unused; 4],
    view_layer: extern "C" fn(Handle, *mut LayerView) -> i32,
    build_layer_to_layer_child: [Unused; 8],
    add_weight: extern "C" fn(Handle, *const Weight, *mut Tensor) -> i32,
    add_child: Unused,
    register_layer: extern "C" fn(Handle, *const LayerType) -> i32,
    // more functions follow
}
#[repr(C)]
pub struct Plugin {
    size: u32,
    minor: u32,
    name: *const c_char,
    version: *const c_char,
    user: *mut c_void,
    init: extern "C" fn(*mut c_void, *mut Host, Handle) -> i32,
    needs: *const c_char,
    get_extension: Unused,
}
unsafe impl Sync for Plugin {}

static HOST: AtomicPtr<Host> = AtomicPtr::new(null_mut());
fn host() -> &'static Host {
    unsafe { &*HOST.load(Ordering::Acquire) } // which init has set
}

/// A count of a tensor, given back where it is dropped.
struct Counted(Tensor);
impl Drop for Counted {
    fn drop(&mut self) {
        (host().release)(self.0);
    }
}

/// The result of an op, or the status of its failure.
fn apply(name: *const c_char, inputs: &[Tensor]) -> Result<Counted, i32> {
    let (mut op, mut result) = (null(), null_mut());
    let n = inputs.len() as u32;
    match (host().find_op)(name, &mut op) {
        OK => match (host().apply)(op, inputs.as_ptr(), n, null(), 0, &mut result, 1) {
            OK => Ok(Counted(result)),
            status => Err(status),
        },
        status => Err(status),
    }
}

struct Cell {
    units: i64,
    weights: Vec<Counted>, // kernel, recurrent, bias
}

impl Cell {
    /// From x [batch, features] and h [batch, units], the next h.
    fn step(&self, x: Tensor, h: Tensor) -> Result<Counted, i32> {
        let [kernel, recurrent, bias] = [0, 1, 2].map(|i| self.weights[i].0);
        let own = apply(text!("tempo.multiply"), &[h, recurrent])?;
        let read = apply(text!("tempo.matmul"), &[x, kernel])?;
        let sum = apply(text!("tempo.add"), &[read.0, own.0])?;
        let biased = apply(text!("tempo.add"), &[sum.0, bias])?;
        apply(text!("tempo.tanh"), &[biased.0])
    }

    fn add_weight(&mut self, layer: Handle, name: *const c_char, initializer: *const c_char, shape: &[i64]) -> i32 {
        let mut seen: LayerView = unsafe { zeroed() };
        seen.size = size_of::<LayerView>() as u32;
        let status = (host().view_layer)(layer, &mut seen);
        if status != OK {
            return status;
        }
        let mut r#type: Type = unsafe { zeroed() };
        r#type.size = size_of::<Type>() as u32;
        r#type.dtype = seen.dtype;
        r#type.rank = shape.len() as u32;
        r#type.shape[..shape.len()].copy_from_slice(shape);
        let weight = Weight {
            size: size_of::<Weight>() as u32,
            trainable: 1,
            name,
            r#type: &r#type,
            initializer,
            value: null_mut(),
            regularizer: null(),
            constraint: null(),
        };
        let mut out = null_mut();
        let status = (host().add_weight)(layer, &weight, &mut out);
        if status == OK {
            self.weights.push(Counted(out));
        }
        status
    }
}

extern "C" fn create(
    _: *mut c_void,
    _: Handle,
    creation: *const Creation,
    instance: *mut *mut Cell,
) -> i32 {
    let mut units = 32;
    unsafe {
        for i in 0..(*creation).n_options as usize {
            let first = (*creation).options;
            let place = (first as *const u8).add(i * (*first).size as usize);
            let option = &*(place as *const Attribute);
            if CStr::from_ptr(option.name).to_bytes() == b"units" {
                units = option.integer;
            }
        }
        *instance = Box::into_raw(Box::new(Cell { units, weights: Vec::new() }));
    }
    OK
}

extern "C" fn destroy(_: *mut c_void, instance: *mut Cell) -> i32 {
    drop(unsafe { Box::from_raw(instance) });
    OK
}

extern "C" fn build(_: *mut c_void, cell: *mut Cell, layer: Handle, inputs: *const Inputs) -> i32 {
    let (cell, inputs) = unsafe { (&mut *cell, &*inputs) };
    let x = unsafe { &*inputs.types };
    if inputs.count != 1 || x.rank != 2 {
        return (host().fail)(SHAPE_ERROR, text!("IndependentRNN: a step reads [batch, features]."));
    }
    let units = cell.units;
    let all: [(*const c_char, *const c_char, &[i64]); 3] = [
        (text!("kernel"), text!("glorot_uniform"), &[x.shape[1], units]),
        (text!("recurrent_kernel"), text!("random_uniform(minval=-1, maxval=1)"), &[units]),
        (text!("bias"), text!("zeros"), &[units]),
    ];
    cell.weights.clear(); // of a build that failed
    let mut status = OK;
    for (name, initializer, shape) in all {
        if status == OK {
            status = cell.add_weight(layer, name, initializer, shape);
        }
    }
    status
}

extern "C" fn states(
    _: *mut c_void,
    cell: *const Cell,
    _: Handle,
    inputs: *const Inputs,
    states: *mut ResultTypes,
) -> i32 {
    unsafe {
        let mut state = *(*inputs).types;
        (state.dtype, state.rank, state.shape[1]) = (AUTOMATIC, 2, (*cell).units);
        *(*states).types = state;
        (*states).count = 1;
    }
    OK
}

extern "C" fn call(
    _: *mut c_void,
    cell: *const Cell,
    _: Handle,
    call: *const Call,
    results: *mut Results,
) -> i32 {
    let next = match unsafe { (*cell).step(*(*call).inputs, *(*call).states) } {
        Ok(next) => next,
        Err(status) => return status,
    };
    unsafe {
        for i in 0..2 {
            (host().retain)(next.0); // the output, then the next state: a count each
            *(*results).tensors.add(i) = next.0;
        }
        (*results).count = 2;
    }
    OK
}

extern "C" fn init(_: *mut c_void, table: *mut Host, registry: Handle) -> i32 {
    HOST.store(table, Ordering::Release);
    let units = LayerOption {
        size: size_of::<LayerOption>() as u32,
        kind: OPTION_INT,
        name: text!("units"),
        sentence: text!("Size of the state."),
        standard: text!("32"),
        at_least: 1.0,
        at_most: 1e9,
        choices: null(),
    };
    let r#type = LayerType {
        size: size_of::<LayerType>() as u32,
        kind: CELL,
        name: text!("IndependentRNN"),
        summary: text!("Units that each read their own state alone (Li et al., 2018)."),
        options: &units,
        n_options: 1,
        flags: 0,
        version: 0,
        reserved: 0,
        user: null_mut(),
        create,
        destroy,
        build,
        call,
        states,
        initial: null(),
        once: null(),
        reset: null(),
        outputs: states, // the output of a step is its state
        save: null(),
        load: null(),
        migrate: null(),
        get_extension: null(),
    };
    (host().register_layer)(registry, &r#type) // the host keeps a copy
}

#[no_mangle]
pub extern "C" fn tempo_plugin_v1() -> *const Plugin {
    static PLUGIN: Plugin = Plugin {
        size: size_of::<Plugin>() as u32,
        minor: ABI_MINOR,
        name: text!("ind_rnn"),
        version: text!("1.0.0"),
        user: null_mut(),
        init,
        needs: null(),
        get_extension: null(),
    };
    &PLUGIN
}
