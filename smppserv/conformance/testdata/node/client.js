'use strict';
// An SMPP client on node's smpp library, driven by one JSON object a line.
//
//   in   {"op":"bind","host":"127.0.0.1","port":2346,"system_id":"…","password":"…"}
//        {"op":"submit","ref":1,"from":"…","to":"…","text":"…","encoding":"default","long":"udh"}
//        {"op":"unbind"}            end of file means the same
//   out  {"event":"bound","system_id":"…"}
//        {"event":"submitted","ref":1,"ids":["1042"]}     ids in the order of the parts
//        {"event":"refused","ref":1,"status":88}
//        {"event":"deliver","from":"…","to":"…","text":"…","receipt":false}
//        {"event":"unbound"}  {"event":"closed"}  {"event":"error","error":"…"}
//
// encoding: default (data_coding 0, GSM 03.38), ucs2, latin1, auto (the library chooses, as its README shows).
// long: "" (one short_message), udh (parts with an 8-bit reference), payload (message_payload).

const readline = require('readline');
const smpp = require('smpp');

const dataCoding = {default: 0x00, latin1: 0x03, ucs2: 0x08};
const octetsInPart = {default: 153, latin1: 134, ucs2: 134};
const udhiFlag = 0x40;
const receiptType = 0x04; // esm_class bits 5-2

let session;
let reference = 0;
const waitingParts = new Map();

function emit(event, fields) {
	process.stdout.write(JSON.stringify({event, ...fields}) + '\n');
}

function encode(text, encoding) {
	const name = {default: 'ASCII', latin1: 'LATIN1', ucs2: 'UCS2'}[encoding];
	return smpp.encodings[name].encode(text);
}

function bind(cmd) {
	session = smpp.connect({host: cmd.host, port: cmd.port});
	session.on('error', (err) => emit('error', {error: String(err)}));
	session.on('close', () => emit('closed'));
	session.on('deliver_sm', deliver);
	session.on('enquire_link', (pdu) => session.send(pdu.response()));
	session.on('unbind', (pdu) => {
		session.send(pdu.response());
		session.close();
	});
	session.on('connect', () => {
		const credentials = {system_id: cmd.system_id, password: cmd.password};
		session.bind_transceiver(credentials, (pdu) => {
			if (pdu.command_status !== 0) {
				emit('error', {error: `bind refused with status ${pdu.command_status}`});
				return;
			}
			emit('bound', {system_id: pdu.system_id});
		});
	});
}

// The bodies are cut where they end, through escape and surrogate pairs, as a client does that knows octets only.
function bodies(cmd) {
	if (cmd.encoding === 'auto') {
		return [{short_message: cmd.text}];
	}
	const data_coding = dataCoding[cmd.encoding];
	const octets = encode(cmd.text, cmd.encoding);
	if (cmd.long === 'payload') {
		return [{data_coding, message_payload: octets}];
	}
	if (cmd.long !== 'udh') {
		return [{data_coding, short_message: octets}];
	}
	const size = octetsInPart[cmd.encoding];
	const total = Math.ceil(octets.length / size);
	reference = (reference + 1) & 0xff;
	const result = [];
	for (let part = 1; part <= total; part++) {
		result.push({
			data_coding,
			short_message: {
				udh: Buffer.from([0x05, 0x00, 0x03, reference, total, part]),
				message: octets.subarray((part - 1) * size, part * size),
			},
		});
	}
	return result;
}

function submit(cmd) {
	const parts = bodies(cmd);
	const ids = [];
	let answered = 0;
	let refused = 0;
	parts.forEach((body, at) => {
		const pdu = {
			source_addr_ton: 1,
			source_addr_npi: 1,
			source_addr: cmd.from,
			dest_addr_ton: 0,
			dest_addr_npi: 1,
			destination_addr: cmd.to,
			registered_delivery: 1,
			...body,
		};
		session.submit_sm(pdu, (resp) => {
			ids[at] = resp.message_id;
			refused = refused || resp.command_status;
			answered++;
			if (answered < parts.length) {
				return;
			}
			if (refused) {
				emit('refused', {ref: cmd.ref, status: refused});
			} else {
				emit('submitted', {ref: cmd.ref, ids});
			}
		});
	});
}

// whole returns the text once every part has come, else undefined.
function whole(pdu, text, udh) {
	for (const element of udh || []) {
		if (element[0] !== 0x00 && element[0] !== 0x08) {
			continue;
		}
		const [total, part] = element.subarray(element.length - 2);
		const key = [pdu.source_addr, pdu.destination_addr, element.subarray(2, -2).toString('hex')].join('/');
		const parts = waitingParts.get(key) || new Map();
		parts.set(part, text);
		waitingParts.set(key, parts);
		if (parts.size < total) {
			return undefined;
		}
		waitingParts.delete(key);
		return Array.from({length: total}, (_, at) => parts.get(at + 1)).join('');
	}
	return text;
}

function deliver(pdu) {
	session.send(pdu.response());
	const body = pdu.message_payload || pdu.short_message || {};
	const udh = pdu.esm_class & udhiFlag ? body.udh : undefined;
	const text = whole(pdu, String(body.message ?? ''), udh);
	if (text === undefined) {
		return;
	}
	emit('deliver', {
		from: pdu.source_addr,
		to: pdu.destination_addr,
		text,
		data_coding: pdu.data_coding,
		receipt: (pdu.esm_class & 0x3c) === receiptType,
		receipted_message_id: pdu.receipted_message_id,
		message_state: pdu.message_state,
	});
}

function unbind() {
	if (!session || session.socket.destroyed) {
		process.exit(0);
	}
	session.on('close', () => process.exit(0));
	session.unbind(() => {
		emit('unbound');
		session.close();
	});
}

const operations = {bind, submit, unbind};
const input = readline.createInterface({input: process.stdin});
input.on('line', (line) => {
	const cmd = JSON.parse(line);
	operations[cmd.op](cmd);
});
input.on('close', unbind);
