// SPDX-License-Identifier: GPL-3.0-or-later
// Log in, choose a machine, see its desktop. Names from outside are text, never markup.
import RFB from "/novnc/core/rfb.js";

const REFRESH_MS = 5000;
const $ = (selector, within = document) => within.querySelector(selector);
let rfb = null;
let refreshing = null;

// The answer's JSON, or null where there is none. Throws the server's words.
async function ask(what, form) {
	const request = form ? { method: "POST", body: new URLSearchParams(form) } : {};
	const response = await fetch("/api/" + what, request);
	const answer = response.status === 204 ? null : await response.json();
	if (response.ok)
		return answer;
	if (response.status === 401)
		show("login");
	throw new Error(answer.error);
}

function show(view) {
	for (const main of document.querySelectorAll("main"))
		main.hidden = main.id !== view;
	clearInterval(refreshing);
	refreshing = view === "list" ? setInterval(() => refresh().catch(() => {}), REFRESH_MS) : null;
	if (view === "login") {
		$("#login form").reset();
		$("#login input").focus();
	}
}

// Run, and say in the view what went wrong.
async function attempt(view, action) {
	const problem = $(`#${view} .problem`);
	try {
		problem.textContent = "";
		await action();
	} catch (error) {
		problem.textContent = error.message;
	}
}

// --- the list ---------------------------------------------------------------------------------

function card(name) {
	const item = $("#machine").content.cloneNode(true).firstElementChild;
	item.dataset.name = name;
	$(".name", item).textContent = name;
	$(".profile input", item).value = name;
	$(".open", item).onclick = () => attempt("list", () => open(name, { machine: name }));
	$(".mint", item).onclick = () => attempt("list", () => mint(item, name));
	return item;
}

// Cards stay: one that is unfolded, or shows a code, is in use.
async function refresh() {
	const answer = await ask("machines");
	const list = $("#machines");
	$("#list .who").textContent = answer.user;
	const old = new Map([...list.children].map(item => [item.dataset.name, item]));
	list.replaceChildren(...answer.machines.map(machine => {
		const item = old.get(machine.name) || card(machine.name);
		item.classList.toggle("connected", machine.connected);
		$(".state", item).textContent = [
			machine.connected ? "" : "not connected",
			machine.view_only ? "to look at" : "",
			machine.recorded ? "recorded" : "",
		].filter(word => word).join(", ");
		$(".open", item).disabled = !machine.connected;
		return item;
	}));
	const recordings = await refreshRecordings();
	if (answer.machines.length === 0 && recordings === 0)
		throw new Error("There is no machine that you may use.");
}

const clock = seconds => new Date(seconds * 1000).toISOString().slice(seconds < 3600 ? 14 : 11, 19);

// The newest first. Returns how many there are.
async function refreshRecordings() {
	const { recordings } = await ask("recordings");
	const began = one => one.recording.split("_")[1];
	recordings.sort((a, b) => began(b).localeCompare(began(a)));
	$("#recorded").hidden = recordings.length === 0;
	$("#recordings").replaceChildren(...recordings.map(one => {
		const item = $("#recording").content.cloneNode(true).firstElementChild;
		item.dataset.recording = one.recording;
		$(".name", item).textContent = one.machine;
		$(".state", item).textContent = began(one).replace(/(....)(..)(..)T(..)(..).*/, "$1-$2-$3 $4:$5 UTC, ")
			+ clock(one.seconds);
		$(".play", item).onclick = () => attempt("list", () =>
			open(`${one.machine}, recorded`, { recording: one.recording }));
		return item;
	}));
	return recordings.length;
}

async function mint(item, name) {
	const { code, seconds } = await ask("code", { machine: name });
	const output = $("output", item);
	output.textContent = code;
	setTimeout(() => { output.textContent = ""; }, seconds * 1000);
}

// --- a desktop --------------------------------------------------------------------------------

// `what`: a machine, or a recording of one
async function open(name, what) {
	const { code } = await ask("code", what);
	const state = $("#desktop .state");
	show("desktop");
	$("#desktop .name").textContent = name;
	state.textContent = "connecting";
	rfb = new RFB($("#screen"), `wss://${location.host}/websocket`, {
		credentials: { password: code },
		wsProtocols: ["binary"],
	});
	rfb.scaleViewport = true;
	rfb.viewOnly = $("#keys").hidden = "recording" in what;
	let title = "";
	rfb.addEventListener("desktopname", event => { title = event.detail.name; });
	rfb.addEventListener("connect", () => {
		state.textContent = title.endsWith(" (recorded)") ? "recorded" : "";
		rfb.focus();
	});
	rfb.addEventListener("securityfailure", event => leave(event.detail.reason));
	rfb.addEventListener("disconnect", event =>
		leave(event.detail.clean ? "" : "The connection was lost."));
}

async function leave(why) {
	if (!rfb)
		return;
	const old = rfb;
	rfb = null;
	old.disconnect();
	show("list");
	await attempt("list", refresh);
	if (why)
		$("#list .problem").textContent = why;
}

// --- what is clicked --------------------------------------------------------------------------

$("#login form").onsubmit = event => {
	event.preventDefault();
	const form = event.target;
	attempt("login", async () => {
		await ask("login", { user: form.user.value, password: form.password.value });
		show("list");
		await attempt("list", refresh);
	});
};
$("#logout").onclick = () => attempt("list", async () => { await ask("logout", {}); show("login"); });
$("#leave").onclick = () => leave("");
$("#keys").onclick = () => { rfb.sendCtrlAltDel(); rfb.focus(); };
$("#full").onclick = () => $("#screen").requestFullscreen();

show("list");
attempt("list", refresh);
