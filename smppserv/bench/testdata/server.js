'use strict';
// A message centre on node's smpp library that stores nothing: it answers every submit_sm. It prints its address and ends with its stdin.

const smpp = require('smpp');

const server = smpp.createServer((session) => {
	session.on('bind_transceiver', (pdu) => session.send(pdu.response()));
	session.on('submit_sm', (pdu) => session.send(pdu.response({message_id: '0123456789'})));
	session.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log('127.0.0.1:' + server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
