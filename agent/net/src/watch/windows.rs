//! Windows: the IP helper tells of interfaces, addresses and routes, the power manager of sleep. Both call us on threads of
//! their own.

use super::word::{Listening, Teller, Word};
use std::{ffi::c_void, ptr, time::Duration};
use windows_sys::Win32::{
    Foundation::{HANDLE, NO_ERROR},
    NetworkManagement::IpHelper::{
        CancelMibChangeNotify2, MIB_IPFORWARD_ROW2, MIB_IPINTERFACE_ROW, MIB_NOTIFICATION_TYPE,
        MIB_UNICASTIPADDRESS_ROW, NotifyIpInterfaceChange, NotifyRouteChange2, NotifyUnicastIpAddressChange,
    },
    Networking::WinSock::AF_UNSPEC,
    System::{
        Power::{
            DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS, HPOWERNOTIFY, PowerRegisterSuspendResumeNotification,
            PowerUnregisterSuspendResumeNotification,
        },
        WindowsProgramming::{QueryInterruptTime, QueryUnbiasedInterruptTime},
    },
    UI::WindowsAndMessaging::{
        DEVICE_NOTIFY_CALLBACK, PBT_APMRESUMEAUTOMATIC, PBT_APMRESUMESUSPEND, PBT_APMSUSPEND,
    },
};

/// What was registered, and what its callbacks speak through.
pub(super) struct System {
    notices: Vec<HANDLE>,
    power: Option<*mut c_void>,
    /// Where the callbacks find it; freed after the last of them was cancelled.
    teller: *mut Teller,
}

// SAFETY: the handles belong to the process and not to a thread, and a `Teller` may be used from any.
unsafe impl Send for System {}

impl Listening for System {
    fn begin(teller: Teller) -> Self {
        let teller = Box::into_raw(Box::new(teller));
        let mut system = Self { notices: Vec::new(), power: None, teller };
        let context: *const c_void = teller.cast();
        let mut handle: HANDLE = ptr::null_mut();
        // SAFETY: the callbacks have the signatures asked for, and `context` outlives them: it is freed in `drop` after the
        // cancellations, which wait for callbacks under way.
        let results = unsafe {
            let mut all = Vec::new();
            let result =
                NotifyIpInterfaceChange(AF_UNSPEC, Some(on_interface), context, false, &raw mut handle);
            all.push((result, handle));
            let result = NotifyRouteChange2(AF_UNSPEC, Some(on_route), context, false, &raw mut handle);
            all.push((result, handle));
            let result =
                NotifyUnicastIpAddressChange(AF_UNSPEC, Some(on_address), context, false, &raw mut handle);
            all.push((result, handle));
            all
        };
        for (error, handle) in results {
            if error == NO_ERROR {
                system.notices.push(handle);
            } else {
                tracing::debug!(error, "changes of the network are not told");
            }
        }
        let mut parameters =
            DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS { Callback: Some(on_power), Context: teller.cast() };
        let mut power = ptr::null_mut();
        // SAFETY: as above; the system copies the parameters during the call.
        let error = unsafe {
            let recipient = (&raw mut parameters).cast();
            PowerRegisterSuspendResumeNotification(DEVICE_NOTIFY_CALLBACK, recipient, &raw mut power)
        };
        if error == NO_ERROR {
            system.power = Some(power);
        } else {
            tracing::debug!(error, "sleep is not told");
        }
        system
    }

    fn slept() -> Duration {
        let (mut all, mut awake) = (0_u64, 0_u64);
        // SAFETY: both write one number to a live local. In this order, so that the moment between is no sleep.
        unsafe {
            QueryInterruptTime(&raw mut all);
            QueryUnbiasedInterruptTime(&raw mut awake);
        }
        // In units of 100 ns.
        Duration::from_nanos(all.saturating_sub(awake).saturating_mul(100))
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for handle in self.notices.drain(..) {
            // SAFETY: the handle came from a registration and is cancelled once.
            unsafe { CancelMibChangeNotify2(handle) };
        }
        if let Some(power) = self.power.take() {
            // SAFETY: as above.
            unsafe { PowerUnregisterSuspendResumeNotification(power as HPOWERNOTIFY) };
        }
        // SAFETY: it came from `Box::into_raw`, and no callback is left that could read it.
        drop(unsafe { Box::from_raw(self.teller) });
    }
}

fn tell(context: *const c_void, word: Word) {
    // SAFETY: every registration hands over a `Teller` that lives until it was cancelled.
    if let Some(teller) = unsafe { context.cast::<Teller>().as_ref() } {
        teller.tell(word);
    }
}

unsafe extern "system" fn on_interface(
    context: *const c_void,
    _row: *const MIB_IPINTERFACE_ROW,
    _kind: MIB_NOTIFICATION_TYPE,
) {
    tell(context, Word::Network);
}

unsafe extern "system" fn on_route(
    context: *const c_void,
    _row: *const MIB_IPFORWARD_ROW2,
    _kind: MIB_NOTIFICATION_TYPE,
) {
    tell(context, Word::Network);
}

unsafe extern "system" fn on_address(
    context: *const c_void,
    _row: *const MIB_UNICASTIPADDRESS_ROW,
    _kind: MIB_NOTIFICATION_TYPE,
) {
    tell(context, Word::Network);
}

unsafe extern "system" fn on_power(context: *const c_void, kind: u32, _setting: *const c_void) -> u32 {
    match kind {
        PBT_APMSUSPEND => tell(context, Word::Sleeping),
        PBT_APMRESUMEAUTOMATIC | PBT_APMRESUMESUSPEND => tell(context, Word::Awake),
        _ => {}
    }
    NO_ERROR
}
