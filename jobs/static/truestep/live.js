// The live page. It shows what the server says and assumes nothing: every status comes from a fragment
// with a position (seq, tag), and a page that has not been verified says so.
//
// This module boots: it loads the others from the addresses that the server rendered, makes their objects
// and connects them. Those addresses carry the version of all modules (or, with a manifest, their hashes),
// so that no cached module of an older version is used; therefore no module imports another.

const links = [...document.querySelectorAll("link[data-module]")];
const modules = await Promise.all(links.map((link) => import(link.href)));
const { Clocks, Forms, Frames, Idiomorph, Logs, Place, Position, Pulse, Refetch, Socket, Status, Title } =
  Object.assign({}, ...modules);

const page = document.querySelector("[data-socket]"); // the body, or in the admin an element of it
const position = new Position(page.dataset);
const socket = new Socket(page, position);
const clocks = new Clocks(Number(page.dataset.now));
const title = new Title(page);
const status = new Status(clocks, title);
const logs = new Logs(page, socket);
const pulse = new Pulse({ clocks, status, logs });
const place = new Place(page, Idiomorph, { clocks, title, status, logs });
const refetch = new Refetch(page, position, { socket, clocks, status, logs, place });

clocks.show(document);
logs.openAllRunning();
place.settle();
status.offline();
clocks.start();
title.start();
logs.start();
new Forms(status).start();
socket.start(new Frames(page, position, { socket, status, pulse, place, logs, refetch }));
