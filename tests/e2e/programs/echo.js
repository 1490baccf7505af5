// SPDX-License-Identifier: GPL-2.0-or-later
// An HTTP server that sends back what it gets, and a client of it: echo.js serve PORT | ask ADDRESS PORT.
const http = require("http");
const crypto = require("crypto");
const [, , mode, ...rest] = process.argv;

function ask(agent, host, port, data) {
	return new Promise((resolve, reject) => {
		const request = http.request({ agent, host, port, method: "PUT" }, (response) => {
			const parts = [];
			response.on("data", (part) => parts.push(part));
			response.on("end", () => {
				if (Buffer.concat(parts).equals(data))
					resolve();
				else
					reject(new Error("other bytes came back"));
			});
		});
		request.on("error", reject);
		request.end(data);
	});
}

async function askALot(host, port) {
	const agents = [new http.Agent({ keepAlive: true, maxSockets: 8 }), new http.Agent()];

	for (const agent of agents) {
		const all = [];
		for (let i = 0; i < 100; i++)
			all.push(ask(agent, host, port, crypto.randomBytes(1 << i % 18)));
		await Promise.all(all);
		agent.destroy();
	}
}

if (mode === "serve")
	http.createServer((request, response) => request.pipe(response)).listen(Number(rest[0]), "0.0.0.0");
else
	askALot(rest[0], Number(rest[1])).catch((error) => {
		console.error(error);
		process.exit(1);
	});
