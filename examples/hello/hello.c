/* A whole unikernel: it says hello on the serial port, repeats its command line, and switches the machine off. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

/* The beginning of what a multiboot loader hands over (specification 0.6.96, section 3.3). */
struct multiboot_info {
    u32 flags;
    u32 mem_lower, mem_upper;
    u32 boot_device;
    const char *cmdline; /* there if bit 2 of flags is set */
};

enum {
    LOADED_BY_MULTIBOOT = 0x2BADB002,
    HAS_CMDLINE = 1 << 2,
    COM1 = 0x3F8,
    LINE_STATUS = COM1 + 5,
    READY = 1 << 5,            /* the next byte may be written */
    IDLE = 1 << 6,             /* everything has been sent */
    POWER_CONTROL = 0x604,     /* ACPI's PM1a control register on QEMU's machines pc and q35 */
    SLEEP_CONTROL = 0xFEA00200 /* ACPI's sleep control register on QEMU's machine microvm */
};

static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }

static u8 in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* A machine without a serial port must not keep us waiting for ever. */
static void wait_for(u8 bits)
{
    for (u32 tries = 0; tries < 1000000 && (in8(LINE_STATUS) & bits) == 0; tries++) {
    }
}

static void serial_init(void)
{
    out8(COM1 + 1, 0x00); /* no interrupts */
    out8(COM1 + 3, 0x80); /* the next two bytes are the divisor: */
    out8(COM1 + 0, 0x01); /* 115200 baud */
    out8(COM1 + 1, 0x00);
    out8(COM1 + 3, 0x03); /* 8 bits, no parity, one stop bit */
    out8(COM1 + 2, 0xC7); /* clear and use the queues */
}

static void print(const char *text)
{
    for (; *text != 0; text++) {
        wait_for(READY);
        out8(COM1, (u8)*text);
    }
}

/* The first word of a multiboot command line is the kernel's own path. */
static const char *arguments(const struct multiboot_info *info)
{
    const char *line = info->flags & HAS_CMDLINE ? info->cmdline : "";
    while (*line != 0 && *line != ' ')
        line++;
    while (*line == ' ')
        line++;
    return line;
}

static void power_off(void)
{
    wait_for(IDLE);
    out16(POWER_CONTROL, 1 << 13);                         /* sleep now, and state 0 is "off" there */
    *(volatile u8 *)SLEEP_CONTROL = (u8)(1 << 5 | 5 << 2); /* the same, but "off" is state 5 */
}

void kernel(u32 magic, const struct multiboot_info *info)
{
    const char *words = magic == LOADED_BY_MULTIBOOT ? arguments(info) : "";
    serial_init();
    print("\r\n"); /* the firmware may have left the cursor in the middle of a line */
    print("hello from a unikernel");
    if (*words != 0)
        print(": ");
    print(words);
    print("\r\n");
    power_off();
}
