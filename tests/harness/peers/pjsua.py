"""pjsua2 as a phone that is steered by JSON: one command a line on stdin, one event a line on stdout.

The one argument is a JSON object:

    user, domain, password   the account; without a password it registers nowhere
    registrar                "sip:127.0.0.1:5060;transport=tcp", also where every request goes first
    transport                "udp", "tcp" or "tls"
    host, port               where SIP is taken; the sound's ports begin at `rtp`
    authority                a file of certificates to trust; then the server's name must be right, too
    says                     a WAV file that every call hears
    records                  a folder: call N is recorded in `call-N.wav`
    answers                  true: it answers by itself
    publishes, mailbox       true: it publishes its presence; it asks whether messages wait

Commands are `{"do": "call", "to": "sip:…"}` and so on, each a method of `Phone` below; calls go by the number that the event
`call` gives them. What goes wrong comes back as `{"event": "error"}`.
"""

import json
import os
import select
import sys
import urllib.parse

import pjsua2 as pj

STATES = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_INCOMING: "incoming",
    pj.PJSIP_INV_STATE_EARLY: "early",
    pj.PJSIP_INV_STATE_CONNECTING: "connecting",
    pj.PJSIP_INV_STATE_CONFIRMED: "established",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}

MEDIA = {
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held_by_them",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
    pj.PJSUA_CALL_MEDIA_NONE: "none",
}


def tell(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def body_of(message):
    """What stands behind a message's head."""
    return message.replace("\r\n", "\n").partition("\n\n")[2]


def field(message, name):
    """A header field's value in a message."""
    for line in message.splitlines():
        if line.lower().startswith(name.lower() + ":"):
            return line.partition(":")[2].strip()
    return ""


class Call(pj.Call):
    def __init__(self, phone, call_id=pj.PJSUA_INVALID_ID):
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.recorder = None
        self.accepted = ""

    def onCallTsxState(self, prm):
        message = prm.e.body.tsxState.src.rdata.wholeMsg
        if message.startswith("SIP/2.0 200") and "INVITE" in field(message, "CSeq"):
            self.accepted = message

    def onCallState(self, prm):
        info = self.getInfo()
        tell(
            "call",
            call=info.id,
            state=STATES.get(info.state, str(info.state)),
            code=info.lastStatusCode,
            reason=info.lastReason,
            remote=info.remoteUri,
        )
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.recorder = None
            self.phone.calls.pop(info.id, None)
            self.phone.over.append(self)

    def onCallMediaState(self, prm):
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            tell("media", call=info.id, media=MEDIA.get(media.status, str(media.status)))
            if media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                self.connect(info.id, self.getAudioMedia(index))

    def connect(self, number, audio):
        if self.phone.player:
            self.phone.player.startTransmit(audio)
        if self.phone.records and self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(os.path.join(self.phone.records, "call-%d.wav" % number))
        if self.recorder:
            audio.startTransmit(self.recorder)

    def onDtmfDigit(self, prm):
        tell("digit", call=self.getId(), digit=prm.digit, info=prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO)

    def onCallRedirected(self, prm):
        # Without this it stops where it is redirected.
        return pj.PJSIP_REDIRECT_ACCEPT_REPLACE

    def onCallTransferRequest(self, prm):
        tell("transfer_asked", call=self.getId(), to=prm.dstUri)
        call = Call(self.phone)
        self.phone.coming.append(call)
        prm.newCall = call

    def onCallTransferStatus(self, prm):
        tell("transfer", call=self.getId(), code=prm.statusCode, final=prm.finalNotify)
        prm.cont = not prm.finalNotify

    def onCallReplaceRequest(self, prm):
        tell("replace_asked", call=self.getId())
        call = Call(self.phone)
        self.phone.coming.append(call)
        prm.newCall = call

    def onCallReplaced(self, prm):
        tell("replaced", call=self.getId(), by=prm.newCallId)
        for call in self.phone.coming:
            if call.getId() == prm.newCallId:
                prm.newCall = call


class Account(pj.Account):
    def __init__(self, phone):
        super().__init__()
        self.phone = phone

    def onRegState(self, prm):
        tell("registration", code=prm.code, reason=prm.reason, expires=prm.expiration)

    def onIncomingCall(self, prm):
        call = Call(self.phone, prm.callId)
        self.phone.calls[prm.callId] = call
        info = call.getInfo()
        tell("call", call=info.id, state="incoming", code=0, reason="", remote=info.remoteUri)
        call.answer(code(200 if self.phone.answers else 180))

    def onInstantMessage(self, prm):
        tell("message", sender=prm.fromUri, type=prm.contentType, text=prm.msgBody)

    def onInstantMessageStatus(self, prm):
        tell("message_sent", to=prm.toUri, code=prm.code)

    def onMwiInfo(self, prm):
        tell("mailbox", state=prm.state, text=body_of(prm.rdata.wholeMsg))


class Buddy(pj.Buddy):
    def onBuddyState(self):
        info = self.getInfo()
        status = {
            pj.PJSUA_BUDDY_STATUS_ONLINE: "online",
            pj.PJSUA_BUDDY_STATUS_OFFLINE: "offline",
        }.get(info.presStatus.status, "unknown")
        tell("presence", of=info.uri, status=status, note=info.presStatus.note, watching=info.subStateName)


def code(number):
    prm = pj.CallOpParam()
    prm.statusCode = number
    return prm


class Phone:
    def __init__(self, config):
        self.answers = config.get("answers", False)
        self.records = config.get("records")
        self.calls, self.coming, self.over, self.buddies = {}, [], [], []
        self.player = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.endpoint.libInit(self.settings())
        transport = self.listen(config)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        if config.get("says"):
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(config["says"])
        self.account = Account(self)
        self.account.create(self.identity(config, transport))

    def settings(self):
        settings = pj.EpConfig()
        # Everything on one thread: Python is not asked from several.
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.uaConfig.maxCalls = 8
        settings.uaConfig.userAgent = "pjsua2"
        settings.medConfig.clockRate = 8000
        settings.medConfig.sndClockRate = 8000
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        settings.logConfig.consoleLevel = 0
        # Who measures it wants no log.
        log = os.environ.get("PJSUA_LOG")
        settings.logConfig.level = 5 if log else 0
        settings.logConfig.msgLogging = 1 if log else 0
        if log:
            settings.logConfig.filename = log
        return settings

    def listen(self, config):
        transport = pj.TransportConfig()
        transport.port = config.get("port", 0)
        transport.boundAddress = config.get("host", "127.0.0.1")
        if config.get("authority"):
            transport.tlsConfig.CaListFile = config["authority"]
            transport.tlsConfig.verifyServer = True
        kinds = {
            "udp": pj.PJSIP_TRANSPORT_UDP,
            "tcp": pj.PJSIP_TRANSPORT_TCP,
            "tls": pj.PJSIP_TRANSPORT_TLS,
        }
        return self.endpoint.transportCreate(kinds[config["transport"]], transport)

    def identity(self, config, transport):
        account = pj.AccountConfig()
        account.idUri = "sip:%s@%s" % (config["user"], config["domain"])
        account.sipConfig.transportId = transport
        account.sipConfig.proxies.append("<%s;lr>" % config["registrar"])
        account.regConfig.proxyUse = 2
        if config.get("password"):
            account.regConfig.registrarUri = "sip:%s" % config["domain"]
            account.regConfig.timeoutSec = 600
            login = pj.AuthCredInfo("digest", "*", config["user"], 0, config["password"])
            account.sipConfig.authCreds.append(login)
        # What a NAT did to us is the registrar's to see.
        account.natConfig.contactRewriteUse = 0 if config.get("stays") else 1
        account.mediaConfig.transportConfig.port = config.get("rtp", 0)
        account.mediaConfig.transportConfig.portRange = 20 if config.get("rtp") else 0
        account.mediaConfig.transportConfig.boundAddress = config.get("host", "127.0.0.1")
        account.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
        account.presConfig.publishEnabled = config.get("publishes", False)
        account.mwiConfig.enabled = config.get("mailbox", False)
        return account

    def call(self, to):
        call = Call(self)
        call.makeCall(to, pj.CallOpParam(True))
        self.calls[call.getId()] = call

    def found(self, number):
        """A call by its number, also one that a transfer has made."""
        for call in self.coming:
            if call.getId() == number:
                return call
        return self.calls[number]

    def answer(self, call, status=200):
        self.found(call).answer(code(status))

    def hangup(self, call, status=0):
        self.found(call).hangup(code(status))

    def hold(self, call):
        self.found(call).setHold(pj.CallOpParam(True))

    def resume(self, call):
        prm = pj.CallOpParam(True)
        prm.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.found(call).reinvite(prm)

    def transfer(self, call, to):
        self.found(call).xfer(to, pj.CallOpParam(True))

    def join(self, call, other):
        """Attended: `call`'s other side is to replace us in `other`."""
        self.found(call).xferReplaces(self.found(other), pj.CallOpParam(True))

    def join_at(self, call, other):
        """The same as desk phones do it (RFC 5589 section 7): `other`, which we began, is named by its phone's own address."""
        info = self.found(other).getInfo()
        accepted = self.found(other).accepted
        tag = {name: field(accepted, name).partition(";tag=")[2].partition(";")[0] for name in ("To", "From")}
        dialog = "%s;to-tag=%s;from-tag=%s" % (info.callIdString, tag["To"], tag["From"])
        uri = info.remoteContact.partition("<")[2].partition(">")[0] or info.remoteContact
        to = "<%s?Replaces=%s>" % (uri, urllib.parse.quote(dialog, safe=""))
        self.found(call).xfer(to, pj.CallOpParam(True))

    def dtmf(self, call, digits):
        self.found(call).dialDtmf(digits)

    def message(self, to, text):
        buddy = self.buddy(to)
        prm = pj.SendInstantMessageParam()
        prm.contentType = "text/plain"
        prm.content = text
        buddy.sendInstantMessage(prm)

    def watch(self, of):
        self.buddy(of).subscribePresence(True)

    def buddy(self, uri):
        for known in self.buddies:
            if known.getInfo().uri == uri:
                return known
        config = pj.BuddyConfig()
        config.uri = uri
        config.subscribe = False
        buddy = Buddy()
        buddy.create(self.account, config)
        self.buddies.append(buddy)
        return buddy

    def presence(self, online, note=""):
        status = pj.PresenceStatus()
        status.status = pj.PJSUA_BUDDY_STATUS_ONLINE if online else pj.PJSUA_BUDDY_STATUS_OFFLINE
        status.note = note
        self.account.setOnlineStatus(status)

    def obey(self, line):
        command = json.loads(line)
        name = command.pop("do")
        try:
            getattr(self, name)(**command)
        except pj.Error as error:
            tell("error", command=name, reason=error.info())
        except (KeyError, TypeError, AttributeError) as error:
            tell("error", command=name, reason=repr(error))

    def run(self):
        tell("ready")
        unread = b""
        while True:
            self.endpoint.libHandleEvents(10)
            self.over.clear()
            while select.select([0], [], [], 0)[0]:
                piece = os.read(0, 65536)
                if not piece:
                    return
                *lines, unread = (unread + piece).split(b"\n")
                for line in lines:
                    self.obey(line)


if __name__ == "__main__":
    phone = Phone(json.loads(sys.argv[1]))
    phone.run()
    # Destructors in the order Python likes bring pjlib down: the process just ends.
    os._exit(0)
