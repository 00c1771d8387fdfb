// Drawings, and the pad that they are drawn on by pointer or keyboard.

/** Pixels along a side of a drawing: three for each of the network's page. */
export const SIDE = 315;
/** The pen's width in pixels: what Omniglot's strokes have. */
const PEN = 8;
/** Ink keeps off the border: the ground is found along it. */
const MARGIN = 12;
/** Steps of the pen by an arrow key, and with Shift, in pixels. */
const STEP = 7;
const FAR = 28;
/** The most steps back. */
const MOST_PAST = 100;

/** Strokes over a picture that was loaded, if there is one. */
export class Drawing {
  strokes = [];
  #picture = null;
  #png = null;
  #past = [];

  /** A drawing of a PNG file in base64. */
  static async of(png) {
    const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
    const drawing = new Drawing();
    drawing.#picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    drawing.#png = png;
    return drawing;
  }

  get isBlank() {
    return this.strokes.length === 0 && this.#picture === null;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  /** Keeps what it is, to come back to. */
  #keep() {
    this.#past.push({ strokes: this.strokes, picture: this.#picture, png: this.#png });
    if (this.#past.length > MOST_PAST) this.#past.shift();
    this.#png = null;
  }

  /** Begins a stroke, a list of points that grows. */
  begin(point) {
    this.#keep();
    const stroke = [point];
    this.strokes = [...this.strokes, stroke];
    return stroke;
  }

  /** Adds a point to the last stroke. */
  add(stroke, point) {
    stroke.push(point);
    this.#png = null;
  }

  clear() {
    if (this.isBlank) return;
    this.#keep();
    this.strokes = [];
    this.#picture = null;
  }

  undo() {
    const past = this.#past.pop();
    if (!past) return;
    this.strokes = past.strokes;
    this.#picture = past.picture;
    this.#png = past.png;
  }

  /** Paints it black on white over a square canvas of any size. */
  paint(canvas) {
    const context = canvas.getContext('2d');
    const scale = canvas.width / SIDE;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, SIDE, SIDE);
    if (this.#picture) {
      context.imageSmoothingEnabled = this.#picture.width > canvas.width;
      const scale = SIDE / Math.max(this.#picture.width, this.#picture.height);
      const [width, height] = [this.#picture.width * scale, this.#picture.height * scale];
      context.drawImage(this.#picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    }
    context.strokeStyle = '#000';
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      // A dot is a line to itself.
      for (const point of stroke) context.lineTo(...point);
      context.stroke();
    }
  }

  /** Its PNG file in base64: the one that was loaded, as long as nothing was drawn over it. */
  png() {
    if (this.#png === null) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = SIDE;
      this.paint(canvas);
      // toBlob would wait for the browser to be idle, for as long as two seconds.
      this.#png = canvas.toDataURL('image/png').split(',')[1];
    }
    return this.#png;
  }
}

/** The canvas that shows one drawing, and changes it. */
export class Pad {
  #canvas;
  #drawing = new Drawing();
  #stroke = null;
  #pointer = null;
  #at = [SIDE / 2, SIDE / 2];
  /** Whether the pen is moved by keys, and so is shown. */
  #byKeys = true;
  #told;

  /** `told.lifted()` once the pen is lifted, `told.pen(text)` on what the keyboard's pen does. */
  constructor(canvas, told) {
    this.#canvas = canvas;
    this.#told = told;
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      canvas.addEventListener(end, (event) => this.#up(event));
    }
    canvas.addEventListener('focus', () => this.paint());
    canvas.addEventListener('blur', () => {
      if (this.#pointer === null) this.lift();
      this.#byKeys = true;
      this.paint();
    });
  }

  get drawing() {
    return this.#drawing;
  }

  /** Shows another drawing; a pen that is down is lifted first. */
  show(drawing) {
    this.lift();
    this.#drawing = drawing;
    this.paint();
  }

  paint() {
    this.#drawing.paint(this.#canvas);
    if (document.activeElement === this.#canvas && this.#byKeys) this.#paintPen();
  }

  /** Where the keyboard's pen is: a ring, full where it is down. */
  #paintPen() {
    const context = this.#canvas.getContext('2d');
    context.beginPath();
    context.arc(...this.#at, PEN, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = '#0b57d0';
    context.stroke();
    if (this.#stroke) {
      context.fillStyle = '#0b57d0';
      context.fill();
    }
  }

  #inside(x, y) {
    const clamp = (value) => Math.min(SIDE - MARGIN, Math.max(MARGIN, value));
    return [clamp(x), clamp(y)];
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const [left, top] = [box.left + this.#canvas.clientLeft, box.top + this.#canvas.clientTop];
    const scale = SIDE / this.#canvas.clientWidth;
    return this.#inside((event.clientX - left) * scale, (event.clientY - top) * scale);
  }

  #down(event) {
    // A second finger, or another button, draws nothing.
    if (this.#pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.lift();
    this.#byKeys = false;
    this.#canvas.focus({ preventScroll: true });
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#at = this.#point(event);
    this.#stroke = this.#drawing.begin(this.#at);
    this.paint();
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) {
      this.#at = this.#point(each);
      this.#drawing.add(this.#stroke, this.#at);
    }
    this.paint();
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.lift();
  }

  /** Moves the keyboard's pen, drawing where it is down. */
  go(dx, dy, far) {
    if (this.#pointer !== null) return;
    this.#byKeys = true;
    const step = far ? FAR : STEP;
    this.#at = this.#inside(this.#at[0] + dx * step, this.#at[1] + dy * step);
    if (this.#stroke) this.#drawing.add(this.#stroke, this.#at);
    this.paint();
  }

  /** Puts the keyboard's pen down, or lifts it. */
  toggle() {
    if (this.#pointer !== null) return;
    this.#byKeys = true;
    if (this.#stroke) {
      this.lift();
      this.#told.pen('Pen up');
    } else {
      this.#stroke = this.#drawing.begin(this.#at);
      this.#told.pen('Pen down');
      this.paint();
    }
  }

  /** Lifts the pen, if it is down. */
  lift() {
    if (!this.#stroke) return;
    this.#stroke = null;
    this.#pointer = null;
    this.paint();
    this.#told.lifted();
  }

  undo() {
    this.lift();
    this.#drawing.undo();
    this.paint();
  }

  clear() {
    this.lift();
    this.#drawing.clear();
    this.paint();
  }
}
